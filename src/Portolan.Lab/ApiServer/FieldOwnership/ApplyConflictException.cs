namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>A field that an apply would take from another manager.</summary>
internal readonly record struct ApplyConflict(ManagerIdentity Manager, string[] Path)
{
    public string Field => PathElement.Display(Path);
}

/// <summary>An apply without force would change fields that others manage. The message is what users read.</summary>
internal sealed class ApplyConflictException(IReadOnlyList<ApplyConflict> conflicts) : Exception(Describe(conflicts))
{
    public IReadOnlyList<ApplyConflict> Conflicts => conflicts;

    private static string Describe(IReadOnlyList<ApplyConflict> conflicts)
    {
        if (conflicts.Count == 1) return $"Apply failed with 1 conflict: conflict with {conflicts[0].Manager.Display()}: {conflicts[0].Field}";
        var lines = conflicts.GroupBy(c => c.Manager.Display()).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"conflicts with {g.Key}:\n{string.Join('\n', g.Select(c => $"- {c.Field}"))}");
        return $"Apply failed with {conflicts.Count} conflicts: {string.Join('\n', lines)}";
    }
}
