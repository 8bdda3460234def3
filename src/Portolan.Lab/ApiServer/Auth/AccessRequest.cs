namespace Portolan.Lab.ApiServer.Auth;

/// <summary>
/// What somebody wants to do, in the terms roles are written in (<c>authorization.k8s.io/v1</c> ResourceAttributes and NonResourceAttributes).
/// Parts that do not apply are empty.
/// </summary>
internal readonly record struct AccessRequest(Identity Who, string Verb)
{
    /// <summary>Of a request that is for no resource: <c>/healthz</c>. Null for resources.</summary>
    public string? Path { get; init; }

    /// <summary>Empty for the core group.</summary>
    public string Group { get; init; } = "";

    /// <summary>The plural.</summary>
    public string Resource { get; init; } = "";

    public string Subresource { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Name { get; init; } = "";

    /// <summary>As the client wrote it, for lists and watches.</summary>
    public string FieldSelector { get; init; } = "";

    /// <summary>The refusal a real server words.</summary>
    public string Refusal => Path is not null
        ? $"User {Quote(Who.User)} cannot {Verb} path {Quote(Path)}"
        : $"User {Quote(Who.User)} cannot {Verb} resource {Quote(Subresource.Length == 0 ? Resource : $"{Resource}/{Subresource}")} in API group {Quote(Group)} "
            + (Namespace.Length == 0 ? "at the cluster scope" : $"in the namespace {Quote(Namespace)}");

    /// <summary>The value a field must have for every object of the selection; null when the selector leaves it open.</summary>
    public static string? Required(string fieldSelector, string field)
    {
        foreach (var term in fieldSelector.AsSpan().Split(','))
        {
            var text = fieldSelector.AsSpan()[term];
            var at = text.IndexOf('=');
            if (at <= 0 || text[at - 1] == '!' || !text[..at].Trim().SequenceEqual(field)) continue;
            var value = text[(at + 1)..].TrimStart('=').Trim();
            // An escaped value is none that a name or a node could have.
            return value.Contains('\\') ? null : value.ToString();
        }

        return null;
    }

    private static string Quote(string text) => $"\"{text}\"";
}

/// <summary>Whether a request may go on, and why (or why not).</summary>
internal readonly record struct AccessDecision(bool Allowed, string Reason)
{
    public static AccessDecision No(string reason = "") => new(false, reason);

    public static AccessDecision Yes(string reason = "") => new(true, reason);
}
