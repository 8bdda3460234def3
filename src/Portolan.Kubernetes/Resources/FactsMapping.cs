using System.Globalization;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Resources;

/// <summary>From API objects to what the plans read. What cannot be parsed is left out: the API server has already refused what a user got wrong.</summary>
public static class FactsMapping
{
    private static readonly Dictionary<string, string> _none = [];

    /// <summary>The facts of a Service.</summary>
    public static ServiceFacts ToFacts(this Service service)
    {
        var spec = service.Spec ?? new ServiceSpec();
        return new ServiceFacts
        {
            Key = new ObjectKey(SharedNames.Share(service.Metadata.Namespace), service.Metadata.Name ?? ""),
            Uid = service.Metadata.Uid ?? "",
            ResourceVersion = service.Metadata.ResourceVersion ?? "",
            Generation = service.Metadata.Generation ?? 0,
            CreatedAt = service.Metadata.CreationTimestamp?.ToUnixTimeSeconds() ?? 0,
            Type = Enum.TryParse<ServiceType>(spec.Type, out var type) ? type : ServiceType.ClusterIP,
            Labels = service.Metadata.Labels ?? _none,
            Annotations = service.Metadata.Annotations ?? _none,
            Selector = spec.Selector ?? _none,
            Ports = Exactly(spec.Ports, port => new ServicePort(SharedNames.Share(port.Name), ToProtocol(port.Protocol), (ushort)port.Port, (ushort)(port.NodePort ?? 0))),
            ClusterIPs = Addresses(spec.ClusterIPs ?? (spec.ClusterIP is { } single ? [single] : [])),
            ExternalIPs = Addresses(spec.ExternalIPs),
            Ingress = Ingress(service),
            IpFamilies = Exactly(spec.IpFamilies, family => family == "IPv6" ? IpFamily.IPv6 : IpFamily.IPv4),
            IpFamilyPolicy = Enum.TryParse<IpFamilyPolicy>(spec.IpFamilyPolicy, out var policy) ? policy : IpFamilyPolicy.SingleStack,
            ExternalTrafficPolicy = spec.ExternalTrafficPolicy == "Local" ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            InternalTrafficPolicy = spec.InternalTrafficPolicy == "Local" ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            LoadBalancerSourceRanges = Prefixes(spec.LoadBalancerSourceRanges),
            AffinitySeconds = spec.SessionAffinity == "ClientIP" ? spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? 10800 : 0,
            LoadBalancerIP = string.IsNullOrEmpty(spec.LoadBalancerIP) ? null : spec.LoadBalancerIP,
            LoadBalancerClass = string.IsNullOrEmpty(spec.LoadBalancerClass) ? null : spec.LoadBalancerClass,
            HealthCheckNodePort = (ushort)(spec.HealthCheckNodePort ?? 0),
            PublishNotReadyAddresses = spec.PublishNotReadyAddresses ?? false,
        };
    }

    /// <summary>The facts of an EndpointSlice, or null where it belongs to no Service or holds names instead of addresses.</summary>
    public static EndpointSliceFacts? ToFacts(this EndpointSlice slice)
    {
        if (slice.AddressType is not ("IPv4" or "IPv6") || slice.Metadata.Labels?.GetValueOrDefault("kubernetes.io/service-name") is not { Length: > 0 } service)
            return null;
        var ns = SharedNames.Share(slice.Metadata.Namespace);
        return new EndpointSliceFacts
        {
            Key = new ObjectKey(ns, slice.Metadata.Name ?? ""),
            Service = new ObjectKey(ns, service),
            Family = slice.AddressType == "IPv6" ? IpFamily.IPv6 : IpFamily.IPv4,
            Endpoints = Endpoints(slice),
            Ports = Exactly(slice.Ports?.Where(port => port.Port is > 0 and <= 65535), port => new EndpointPort(SharedNames.Share(port.Name), ToProtocol(port.Protocol), (ushort)port.Port!.Value)),
            LastChangeTrigger = TriggerTime(slice.Metadata.Annotations),
        };
    }

    /// <summary>The facts of a Node.</summary>
    public static NodeFacts ToFacts(this Node node) => new()
    {
        Name = node.Metadata.Name ?? "",
        Labels = node.Metadata.Labels ?? _none,
        InternalIPs = Addresses(node.Status?.Addresses?.Where(address => address.Type == "InternalIP").Select(address => address.Address ?? "")),
        PodCIDRs = Prefixes(node.Spec?.PodCIDRs ?? (node.Spec?.PodCIDR is { } single ? [single] : null)),
        Ready = Is(node, "Ready"),
        NetworkUnavailable = Is(node, "NetworkUnavailable"),
        Unschedulable = node.Spec?.Unschedulable ?? false,
        Deleting = node.Metadata.DeletionTimestamp is not null,
        TaintKeys = [.. (node.Spec?.Taints ?? []).Select(taint => taint.Key ?? "")],
    };

    /// <summary>The ranges of a ServiceCIDR.</summary>
    /// <param name="range">The object.</param>
    /// <param name="errors">Where is added what is no range, or one of a whole family, which nobody's Services can have for themselves.</param>
    public static IReadOnlyList<IpPrefix> ToPrefixes(this ServiceCIDR range, ICollection<FieldError> errors)
    {
        var prefixes = new List<IpPrefix>();
        for (var i = 0; i < range.Spec?.Cidrs?.Count; i++)
        {
            if (IpPrefix.TryParse(range.Spec.Cidrs[i], out var prefix) && prefix.Length > 0)
                prefixes.Add(prefix);
            else
                errors.Add(new FieldError($"spec.cidrs[{i}]", range.Spec.Cidrs[i] ?? "", "must be a range of addresses, e.g. 10.96.0.0/12"));
        }

        return prefixes;
    }

    // RFC 3339 with nanoseconds; what cannot be read is as good as absent.
    private static DateTimeOffset? TriggerTime(Dictionary<string, string>? annotations) =>
        annotations?.GetValueOrDefault("endpoints.kubernetes.io/last-change-trigger-time") is { } text
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    private static bool Is(Node node, string condition) => node.Status?.Conditions?.Any(found => found.Type == condition && found.Status == "True") ?? false;

    private static IngressAddress[] Ingress(Service service)
    {
        var ingress = new List<IngressAddress>();
        foreach (var entry in service.Status?.LoadBalancer?.Ingress ?? [])
            if (IpAddress.TryParse(entry.IP, out var address))
                ingress.Add(new IngressAddress(address, entry.IpMode == "Proxy"));
        return [.. ingress];
    }

    private static EndpointFacts[] Endpoints(EndpointSlice slice)
    {
        var endpoints = new List<EndpointFacts>(slice.Endpoints?.Count ?? 0);
        foreach (var endpoint in slice.Endpoints ?? [])
            if (endpoint.Addresses is [var first, ..] && IpAddress.TryParse(first, out var address))
                endpoints.Add(new EndpointFacts
                {
                    Address = address,
                    Ready = endpoint.Conditions?.Ready ?? true,
                    Serving = endpoint.Conditions?.Serving ?? true,
                    Terminating = endpoint.Conditions?.Terminating ?? false,
                    NodeName = SharedNames.Share(endpoint.NodeName),
                    Zone = SharedNames.Share(endpoint.Zone),
                    ZoneHints = Names(endpoint.Hints?.ForZones),
                    NodeHints = Names(endpoint.Hints?.ForNodes),
                });
        return [.. endpoints];
    }

    private static Protocol ToProtocol(string? name) => name switch
    {
        "UDP" => Protocol.Udp,
        "SCTP" => Protocol.Sctp,
        _ => Protocol.Tcp,
    };

    private static string[] Names(List<NameReference>? references) => Exactly(references?.Where(reference => reference.Name is not null), reference => SharedNames.Share(reference.Name));

    // There are many facts, and they stay: no list larger than what it holds, and none for nothing.
    private static TFact[] Exactly<T, TFact>(IEnumerable<T>? from, Func<T, TFact> fact) => from is null ? [] : [.. from.Select(fact)];

    private static IpAddress[] Addresses(IEnumerable<string>? texts)
    {
        var addresses = new List<IpAddress>();
        foreach (var text in texts ?? [])
            if (IpAddress.TryParse(text, out var address))
                addresses.Add(address);
        return [.. addresses];
    }

    // White space around a source range is tolerated, as kube-proxy does.
    private static IpPrefix[] Prefixes(IEnumerable<string>? texts)
    {
        var prefixes = new List<IpPrefix>();
        foreach (var text in texts ?? [])
            if (IpPrefix.TryParse(text.AsSpan().Trim(), out var prefix))
                prefixes.Add(prefix);
        return [.. prefixes];
    }
}
