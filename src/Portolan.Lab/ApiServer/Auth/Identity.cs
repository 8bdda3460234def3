namespace Portolan.Lab.ApiServer.Auth;

/// <summary>Who a request comes from.</summary>
internal sealed record Identity(string User, IReadOnlyList<string> Groups)
{
    public const string AllAuthenticated = "system:authenticated";

    public string? Uid { get; init; }

    /// <summary>What else is known, e.g. the pod a token is bound to.</summary>
    public IReadOnlyDictionary<string, string> Extra { get; init; } = new Dictionary<string, string>();
}
