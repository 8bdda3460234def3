using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>References from one object to others that do not exist. They take nothing down, and are the commonest reason why nothing is announced.</summary>
internal static class References
{
    /// <summary>Every reference of an object that leads nowhere.</summary>
    /// <param name="spec">The object as written.</param>
    /// <param name="known">All objects as written.</param>
    public static IEnumerable<FieldError> Missing(ConfigurationSpec spec, ConfigurationObjects known) => spec switch
    {
        Announcements.Layer2Advertisement layer2 => Missing("spec.ipAddressPools", layer2.IPAddressPools, ConfigurationKind.IPAddressPool, known),
        Announcements.AnnouncementPolicy policy => Missing("spec.ipAddressPools", policy.IPAddressPools, ConfigurationKind.IPAddressPool, known),
        BgpAdvertisementSpec bgp => Missing("spec.ipAddressPools", bgp.IPAddressPools, ConfigurationKind.IPAddressPool, known)
            .Concat(Missing("spec.peers", bgp.Peers, ConfigurationKind.BGPPeer, known)),
        BgpPolicySpec policy => Missing("spec.peers", policy.Peers, ConfigurationKind.BGPPeer, known),
        BgpPeerSpec peer => MissingSecret(peer, known),
        _ => [],
    };

    /// <summary>The profile of a peer that leads nowhere, or null. Without it the peer as written cannot be in force.</summary>
    public static FieldError? MissingProfile(BgpPeerSpec peer, ConfigurationObjects known) =>
        peer.BfdProfile.Length > 0 && known.Find(ConfigurationKind.BFDProfile, peer.BfdProfile) is null ? NoSuch("spec.bfdProfile", peer.BfdProfile, ConfigurationKind.BFDProfile) : null;

    private static IEnumerable<FieldError> Missing(string path, IReadOnlyList<string> names, ConfigurationKind kind, ConfigurationObjects known)
    {
        for (var i = 0; i < names.Count; i++)
            if (known.Find(kind, names[i]) is null)
                yield return NoSuch($"{path}[{i}]", names[i], kind);
    }

    private static IEnumerable<FieldError> MissingSecret(BgpPeerSpec peer, ConfigurationObjects known)
    {
        const string path = "spec.passwordSecret.name";
        if (peer.PasswordSecret.Length == 0 || !known.Secrets.TryGetValue(peer.PasswordSecret, out var secret))
            yield break;
        if (secret is null)
            yield return new FieldError(path, peer.PasswordSecret, $"there is no such Secret in {peer.Namespace}");
        else if (secret.Type != SecretFacts.BasicAuth)
            yield return new FieldError(path, peer.PasswordSecret, $"the Secret must be of type {SecretFacts.BasicAuth}, and is of type {secret.Type}");
        else if (!secret.HasPassword)
            yield return new FieldError(path, peer.PasswordSecret, "the Secret has no key password");
    }

    private static FieldError NoSuch(string path, string name, ConfigurationKind kind) => new(path, name, $"there is no such {kind}");
}
