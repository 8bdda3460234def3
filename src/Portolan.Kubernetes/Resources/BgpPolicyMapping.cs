using Portolan.Core.Configuration;

namespace Portolan.Kubernetes.Resources;

/// <summary>From the object to the specification that is judged.</summary>
public static class BgpPolicyMapping
{
    /// <summary>The BGPPolicy as written.</summary>
    public static BgpPolicySpec ToSpec(this BgpPolicyObject policy)
    {
        var errors = ConfigurationMapping.Errors(policy.Spec);
        var spec = policy.Spec ?? new BgpPolicyObjectSpec();
        return new BgpPolicySpec
        {
            Name = policy.Metadata.Name ?? "",
            Namespace = policy.Metadata.Namespace ?? "",
            CreatedAt = ConfigurationMapping.CreatedAt(policy),
            Peers = ConfigurationMapping.Texts(spec.Peers),
            NodeSelectors = PoolMapping.ToSelectors(spec.NodeSelectors, "spec.nodeSelectors", errors),
            Med = spec.Med,
            Prepend = spec.Prepend,
            LinkBandwidthPerEndpoint = spec.LinkBandwidthPerEndpoint,
            TtlSecurityHops = spec.TtlSecurityHops,
            LinkLocalNextHop = spec.LinkLocalNextHop ?? "",
            Passive = spec.Passive ?? false,
            ListenRanges = ConfigurationMapping.Texts(spec.ListenRanges),
            ListenLimit = spec.ListenLimit,
            TcpMss = spec.TcpMSS,
            MaxPrefixes = spec.MaxPrefixes,
            ReadErrors = errors,
            IsReadable = policy.Spec?.Unreadable is null,
        };
    }
}
