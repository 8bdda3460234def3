using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>
/// Fields that are taken and do less than they say, or nothing: of each the user is told, unless it is wrong anyway. All other fields of the configuration are honoured.
/// </summary>
internal static class FieldNotices
{
    /// <summary>What is to be said of an object as written, whether or not it is right otherwise.</summary>
    public static IEnumerable<FieldError> Of(ConfigurationSpec spec) => spec switch
    {
        BgpPeerSpec peer => Of(peer),
        BfdProfileSpec profile => Of(profile),
        _ => [],
    };

    private static IEnumerable<FieldError> Of(BgpPeerSpec peer)
    {
        if (peer.DisableMP)
            yield return new FieldError("spec.disableMP", "true", "is deprecated and has no effect; use dualStackAddressFamily to exchange both families");
        if (peer.PasswordSecretNamespace.Length > 0 && peer.Namespace.Length > 0 && peer.PasswordSecretNamespace != peer.Namespace)
            yield return new FieldError("spec.passwordSecret.namespace", peer.PasswordSecretNamespace, $"has no effect: the Secret is read in {peer.Namespace}");
        if (IpAddress.TryParse(peer.SourceAddress, out var source) && source.IsIPv4 != (IpAddress.TryParse(peer.PeerAddress, out var address) && address.IsIPv4))
            yield return new FieldError("spec.sourceAddress", peer.SourceAddress, "is of another family than the peer's address: no session can begin there");
        if (GoDuration.TryParse(peer.HoldTime ?? "", out var hold) && GoDuration.TryParse(peer.KeepaliveTime ?? "", out var keepalive) && keepalive > hold / 3 && keepalive <= hold)
            yield return new FieldError("spec.keepaliveTime", peer.KeepaliveTime!, $"is more than a third of the hold time: a KEEPALIVE is sent every {(hold / 3).TotalSeconds:0.###}s at least");
    }

    private static IEnumerable<FieldError> Of(BfdProfileSpec profile)
    {
        if (profile.EchoMode)
            yield return new FieldError("spec.echoMode", "true", "has no effect: no echo packets are sent, and a peer is told that none are taken");
        if (profile.EchoInterval is >= 10 and <= 60000 and var interval)
            yield return new FieldError("spec.echoInterval", $"{interval}", "has no effect: no echo packets are sent");
    }
}
