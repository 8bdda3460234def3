namespace Portolan.Core.Configuration;

/// <summary>What of a Secret with a password may be known to whoever only checks the configuration: not the password.</summary>
/// <param name="Type"><c>type</c>.</param>
/// <param name="HasPassword">It has the key <c>password</c>.</param>
public sealed record SecretFacts(string Type, bool HasPassword)
{
    /// <summary>The type that a BGPPeer's <c>passwordSecret</c> must have.</summary>
    public const string BasicAuth = "kubernetes.io/basic-auth";
}
