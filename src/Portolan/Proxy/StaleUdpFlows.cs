using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;

namespace Portolan.Proxy;

/// <summary>
/// UDP flows to a front whose answers come from nobody who serves: the endpoint is gone, or the flow is older than the Service.
/// As long as the client goes on sending, such a flow never ends by itself. Where no endpoint serves, flows are left alone.
/// </summary>
internal sealed class StaleUdpFlows
{
    private readonly Dictionary<Front, HashSet<RealServer>> _serving = [];

    internal StaleUdpFlows(IEnumerable<ServicePortPlan> plans)
    {
        foreach (var plan in plans)
        {
            if (plan.Key.Protocol is not Protocol.Udp || plan.Serving.Count == 0)
                continue;
            var serving = plan.Serving.ToHashSet();
            foreach (var server in plan.VirtualServers)
                _serving[server.Front] = serving;
        }
    }

    /// <summary>The families that have such Services at all.</summary>
    internal IEnumerable<IpFamily> Families => _serving.Keys.Select(front => front.Family).Distinct();

    internal bool Includes(ConntrackEntry flow)
    {
        if (flow.Original.Layer4Protocol != (byte)Protocol.Udp || flow.Original.Destination.Length is not (4 or 16) || flow.Reply.Source.Length is not (4 or 16))
            return false;
        var address = IpAddress.Read(flow.Original.Destination);
        var port = flow.Original.DestinationPort;
        return (_serving.TryGetValue(Front.At(address, Protocol.Udp, port), out var serving)
                || _serving.TryGetValue(Front.OfNode(address.Family, Protocol.Udp, port), out serving))
            && !serving.Contains(new RealServer(IpAddress.Read(flow.Reply.Source), flow.Reply.SourcePort));
    }
}
