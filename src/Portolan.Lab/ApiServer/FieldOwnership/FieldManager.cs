using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>What became of an apply: the merged object, and who manages its fields now.</summary>
internal readonly record struct AppliedObject(JsonObject Object, ManagedFields Managers);

/// <summary>An object in another version; the one given is not changed.</summary>
internal delegate ValueTask<JsonObject> VersionConverter(JsonObject obj, KindSchema to);

/// <summary>
/// Who manages which fields after a write. Objects come without their managedFields and in the version <paramref name="kind"/> that the client speaks;
/// entries of other versions are compared in theirs.
/// </summary>
/// <param name="versions">The versions that entries may be in; an entry of one that is no longer served is dropped.</param>
/// <param name="convert">Called only for objects with entries of other versions.</param>
/// <param name="now">RFC 3339.</param>
internal sealed class FieldManager(KindSchema kind, IReadOnlyList<KindSchema> versions, VersionConverter convert, string now)
{
    /// <summary>Objects whose fields nobody tracked become this updater's when they are first applied to.</summary>
    private const string BeforeFirstApply = "before-first-apply";

    // Identity is nobody's.
    private static readonly FieldSet Untracked = FieldSet.OfPath("f:apiVersion").Union(FieldSet.OfPath("f:kind")).Union(FieldSet.OfPath("f:metadata"))
        .Union(new[] { "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion" }
            .Select(name => FieldSet.OfPath("f:metadata", PathElement.Field(name))).Aggregate((a, b) => a.Union(b)));

    /// <summary>After a create (nothing before), an update or a patch: the writer manages what it changed, and nobody what went.</summary>
    public async ValueTask<ManagedFields> UpdateAsync(JsonObject? before, JsonObject after, ManagedFields managers, string manager, string? subresource)
    {
        // Not tracked so far, or told to forget: tracking begins with the next apply.
        if (before is not null && managers.IsEmpty) return managers;
        return (await ChangedAsync(before ?? Blank(after), after, managers, manager, subresource)).Capped();
    }

    /// <summary>After an apply: merges, takes out what the manager no longer applies and nobody else manages, and finds conflicts.</summary>
    /// <param name="live">Null when the apply creates the object.</param>
    /// <exception cref="ApplyConflictException">Others manage fields with other values, and <paramref name="force"/> is not set.</exception>
    public async ValueTask<AppliedObject> ApplyAsync(JsonObject? live, JsonObject applied, ManagedFields managers, string manager, string? subresource, bool force)
    {
        if (live is not null && managers.IsEmpty) managers = await ChangedAsync(Blank(live), live, managers, BeforeFirstApply, null);
        var current = live ?? Blank(applied);
        var who = ManagerIdentity.Applier(manager, subresource);
        var last = managers.Find(who);
        var fields = ObjectFields.Of(applied, kind.Structure);
        var entries = managers.Entries.Where(e => e.Who != who).Append(new(who, kind.ApiVersion, now, fields)).ToList();
        var merged = AppliedMerge.Merge(current, applied, kind.Structure);
        if (last is not null) merged = await PruneAsync(merged, last, entries);

        var changes = new Dictionary<string, FieldChanges?>(StringComparer.Ordinal);
        var conflicts = new List<ApplyConflict>();
        var kept = new List<ManagerEntry>(entries.Count);
        foreach (var entry in entries)
        {
            if (entry.Who == who || await ChangesAsync(changes, current, merged, entry.ApiVersion) is not var (changed, removed)) continue;
            conflicts.AddRange(entry.Fields.Intersection(changed).Paths().Select(path => new ApplyConflict(entry.Who, path)));
            kept.Add(entry with { Fields = entry.Fields.Difference(changed).Difference(removed) });
        }

        if (conflicts.Count > 0 && !force) throw new ApplyConflictException(conflicts);
        var own = fields.Difference(Untracked);
        var unchanged = last is not null && last.ApiVersion == kind.ApiVersion && own.Equals(last.Fields) && JsonNode.DeepEquals(current, merged);
        kept.Add(new(who, kind.ApiVersion, unchanged ? last!.Time : now, own));
        return new(merged, ManagedFields.Of(kept));
    }

    private async ValueTask<ManagedFields> ChangedAsync(JsonObject before, JsonObject after, ManagedFields managers, string manager, string? subresource)
    {
        var changes = new Dictionary<string, FieldChanges?>(StringComparer.Ordinal);
        var own = (await ChangesAsync(changes, before, after, kind.ApiVersion))!.Value.Changed.Difference(Untracked);
        var who = ManagerIdentity.Updater(manager, kind.ApiVersion, subresource);
        var entries = new List<ManagerEntry>(managers.Entries.Count + 1);
        var isNew = !own.IsEmpty;
        foreach (var entry in managers.Entries)
        {
            // A version that is gone takes its entries along.
            if (await ChangesAsync(changes, before, after, entry.ApiVersion) is not var (changed, removed)) continue;
            var fields = entry.Fields.Difference(changed).Difference(removed);
            if (isNew && entry.Who == who)
            {
                isNew = false;
                var grown = entry.Fields.Difference(removed).Union(own);
                entries.Add(entry with { Time = now, Fields = grown });
            }
            else
            {
                entries.Add(ReferenceEquals(fields, entry.Fields) ? entry : entry with { Fields = fields });
            }
        }

        if (isNew) entries.Add(new(who, kind.ApiVersion, now, own));
        return ManagedFields.Of(entries);
    }

    private async ValueTask<FieldChanges?> ChangesAsync(Dictionary<string, FieldChanges?> known, JsonObject before, JsonObject after, string apiVersion)
    {
        if (known.TryGetValue(apiVersion, out var changes)) return changes;
        if (Version(apiVersion) is not { } version) return known[apiVersion] = null;
        return known[apiVersion] = FieldChanges.Between(await InAsync(before, kind, version), await InAsync(after, kind, version), version.Structure);
    }

    private KindSchema? Version(string apiVersion) => apiVersion == kind.ApiVersion ? kind : versions.FirstOrDefault(v => v.ApiVersion == apiVersion);

    private ValueTask<JsonObject> InAsync(JsonObject obj, KindSchema from, KindSchema to) =>
        from.ApiVersion == to.ApiVersion || obj.Count <= 2 ? new(obj) : convert(obj, to);

    // Nothing but its type.
    private static JsonObject Blank(JsonObject like) => new() { ["apiVersion"] = like["apiVersion"]?.DeepClone(), ["kind"] = like["kind"]?.DeepClone() };

    /// <summary>Takes out what the manager applied last time, does not apply now, and nobody else manages; with it goes what is below it and nobody's.</summary>
    private async ValueTask<JsonObject> PruneAsync(JsonObject merged, ManagerEntry last, List<ManagerEntry> entries)
    {
        if (Version(last.ApiVersion) is not { } then) return merged;
        var all = await InAsync(merged, kind, then);
        var applied = ObjectFields.WithNamedFields(last.Fields, then.Structure);
        var pruned = Without(all, applied, then);
        foreach (var apiVersion in entries.Select(e => e.ApiVersion).Distinct().OrderBy(v => v != last.ApiVersion))
        {
            if (Version(apiVersion) is not { } version) continue;
            var whole = await InAsync(merged, kind, version);
            var managed = entries.Where(e => e.ApiVersion == apiVersion).Aggregate(FieldSet.Empty, (set, e) => set.Union(e.Fields));
            var wanted = Fields(await InAsync(pruned, then, version), version).Union(ObjectFields.WithNamedFields(managed, version.Structure));
            pruned = await InAsync(Without(whole, Fields(whole, version).Difference(wanted), version), version, then);
        }

        var gone = Fields(all, then).Difference(Fields(pruned, then)).Intersection(applied);
        var owned = entries.Where(e => e.ApiVersion == last.ApiVersion).Aggregate(FieldSet.Empty, (set, e) => set.Union(e.Fields));
        return await InAsync(Without(all, gone, then, owned), then, kind);
    }

    private static FieldSet Fields(JsonObject obj, KindSchema version) => ObjectFields.WithNamedFields(ObjectFields.Of(obj, version.Structure), version.Structure);

    private static JsonObject Without(JsonObject obj, FieldSet fields, KindSchema version, FieldSet? keep = null)
    {
        var copy = (JsonObject)obj.DeepClone();
        ObjectFields.Remove(copy, fields, version.Structure, keep);
        return copy;
    }
}
