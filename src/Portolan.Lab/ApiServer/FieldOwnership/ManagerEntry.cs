namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>Who an entry of managedFields is about: appliers are one manager across versions, updaters one per version.</summary>
internal readonly record struct ManagerIdentity(string Manager, bool Applies, string ApiVersion, string Subresource)
{
    public static ManagerIdentity Applier(string manager, string? subresource) => new(manager, true, "", subresource ?? "");

    public static ManagerIdentity Updater(string manager, string apiVersion, string? subresource) => new(manager, false, apiVersion, subresource ?? "");

    /// <summary>As conflicts name it: <c>"kubectl-client-side-apply" using v1</c>.</summary>
    public string Display()
    {
        var text = $"\"{Manager}\"";
        if (Subresource.Length > 0) text += $" with subresource \"{Subresource}\"";
        return Applies ? text : $"{text} using {ApiVersion}";
    }
}

/// <summary>One entry of <c>metadata.managedFields</c>.</summary>
/// <param name="ApiVersion">The version that the field names belong to.</param>
/// <param name="Time">RFC 3339, when the manager last changed something; null when the entry says nothing of it.</param>
internal sealed record ManagerEntry(ManagerIdentity Who, string ApiVersion, string? Time, FieldSet Fields);
