using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>What a Service's endpoints mean for a node that announces by BGP: unlike on layer 2 every node that may announce does.</summary>
internal static class LocalEndpoints
{
    /// <summary>Whether the endpoints let a node announce the Service.</summary>
    /// <returns><see cref="WithdrawalReason.None"/>, or why they do not.</returns>
    public static WithdrawalReason Judge(ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, string node)
    {
        if (service.ExternalTrafficPolicy is not TrafficPolicy.Local)
            return Eligibility.HasUsable(slices) ? WithdrawalReason.None : WithdrawalReason.NoEndpoints;
        foreach (var slice in slices)
            foreach (var endpoint in slice.Endpoints)
                if (endpoint.NodeName == node && Eligibility.IsUsable(endpoint))
                    return WithdrawalReason.None;
        return WithdrawalReason.NoLocalEndpoints;
    }

    /// <summary>How many usable endpoints of a family the node has. One that several slices list, for a port each or while it moves between them, counts once.</summary>
    public static int Count(IReadOnlyList<EndpointSliceFacts> slices, IpFamily family, string node)
    {
        var addresses = new HashSet<IpAddress>();
        foreach (var slice in slices)
            foreach (var endpoint in slice.Endpoints)
                if (endpoint.Address.Family == family && endpoint.NodeName == node && Eligibility.IsUsable(endpoint))
                    addresses.Add(endpoint.Address);
        return addresses.Count;
    }
}
