namespace Portolan.Lab.ApiServer.Auth;

/// <summary>Who a request comes from (<c>authentication.k8s.io/v1</c> UserInfo).</summary>
internal sealed record Identity(string User, IReadOnlyList<string> Groups)
{
    public const string AllAuthenticated = "system:authenticated";
    public const string AllUnauthenticated = "system:unauthenticated";
    public const string Masters = "system:masters";
    public const string Nodes = "system:nodes";
    public const string AllServiceAccounts = "system:serviceaccounts";

    private const string AnonymousUser = "system:anonymous";
    private const string ServiceAccountPrefix = "system:serviceaccount:";
    private const string NodePrefix = "system:node:";

    /// <summary>Whoever says nothing about themselves.</summary>
    public static Identity Anonymous { get; } = new(AnonymousUser, [AllUnauthenticated]);

    public string? Uid { get; init; }

    /// <summary>What else is known, e.g. the pod a token is bound to.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Extra { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    public bool IsAnonymous => User == AnonymousUser;

    /// <summary>The node a node agent speaks for; null for anybody else.</summary>
    public string? Node => User.StartsWith(NodePrefix, StringComparison.Ordinal) && Groups.Contains(Nodes) ? User[NodePrefix.Length..] : null;

    public static string ServiceAccount(string ns, string name) => $"{ServiceAccountPrefix}{ns}:{name}";

    public static IReadOnlyList<string> GroupsOfServiceAccount(string ns) => [AllServiceAccounts, $"{AllServiceAccounts}:{ns}", AllAuthenticated];

    /// <summary>Namespace and name of the service account whose user name this is.</summary>
    public static (string Namespace, string Name)? AsServiceAccount(string user)
    {
        if (!user.StartsWith(ServiceAccountPrefix, StringComparison.Ordinal)) return null;
        return user[ServiceAccountPrefix.Length..].Split(':') is [{ Length: > 0 } ns, { Length: > 0 } name] ? (ns, name) : null;
    }
}
