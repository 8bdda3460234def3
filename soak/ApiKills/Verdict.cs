namespace Portolan.Soak.ApiKills;

/// <summary>Holds what the watchers saw and what is there at the end against what the writers know.</summary>
internal static class Verdict
{
    /// <summary>Each watcher must have seen each change of each object exactly once and in its order.</summary>
    public static void OnWatcher(Watcher watcher, IEnumerable<Writer> writers, Findings findings)
    {
        var expected = new Dictionary<string, List<Change>>(StringComparer.Ordinal);
        foreach (var change in writers.SelectMany(w => w.Journal[watcher.Kind])) Of(expected, change.Name).Add(change);
        if (watcher.Selecting)
            foreach (var changes in expected.Values)
                Select(changes);
        var seen = new Dictionary<string, List<Change>>(StringComparer.Ordinal);
        foreach (var change in watcher.Seen) Of(seen, change.Name).Add(change);
        foreach (var name in expected.Keys.Union(seen.Keys))
        {
            var (must, did) = (Of(expected, name), Of(seen, name));
            var at = 0;
            while (at < must.Count && at < did.Count && Agree(must[at], did[at])) at++;
            if (at == must.Count && at == did.Count) continue;
            findings.Blame($"a {(watcher.Selecting ? "selecting " : "")}watcher of {watcher.Kind.Path}: {name}: change {at + 1} of {must.Count} is {Show(must, at)}, seen was {Show(did, at)}");
        }
    }

    /// <summary>Every object must be there in the last state its writer knows of, and no other.</summary>
    public static void OnObjects(Kind kind, IEnumerable<(string Name, long Mark, long Revision)> listed, IEnumerable<Writer> writers, Findings findings)
    {
        var expected = writers.SelectMany(w => w.Present(kind)).ToDictionary(o => o.Name);
        foreach (var obj in listed.Where(o => o.Mark >= 0))
        {
            if (!expected.Remove(obj.Name, out var must)) findings.Blame($"{kind.Path}: {obj} is there and should not be");
            else if (must != obj) findings.Blame($"{kind.Path}: {obj} is there, last written was {must}");
        }

        foreach (var lost in expected.Values) findings.Blame($"{kind.Path}: {lost} is lost");
    }

    // What a selector makes of an object's life: it appears, changes and is gone as it enters, stays in and leaves the selection.
    private static void Select(List<Change> changes)
    {
        var (selected, last) = (false, 0L);
        for (var i = 0; i < changes.Count; i++)
        {
            var change = changes[i];
            var now = change.Type != ChangeType.Deleted && Kind.Selected(change.Mark);
            if (now) changes[i] = change with { Type = selected ? ChangeType.Modified : ChangeType.Added };
            else if (selected) changes[i] = change with { Type = ChangeType.Deleted, Mark = last };
            else changes.RemoveAt(i--);
            (selected, last) = (now, change.Mark);
        }
    }

    private static bool Agree(Change must, Change did) =>
        must.Type == did.Type && must.Mark == did.Mark && (must.Revision == 0 || must.Revision == did.Revision);

    private static List<Change> Of(Dictionary<string, List<Change>> all, string name)
    {
        if (!all.TryGetValue(name, out var changes)) all[name] = changes = [];
        return changes;
    }

    private static string Show(List<Change> changes, int at) => at < changes.Count ? changes[at].ToString() : "nothing";
}
