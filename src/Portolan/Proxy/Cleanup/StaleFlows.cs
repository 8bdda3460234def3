using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;

namespace Portolan.Proxy.Cleanup;

/// <summary>
/// Tracked flows to a front that are answered by nobody who stands behind it any more. As long as the client goes on sending, such a flow
/// never ends by itself, and no rule is asked about its packets.
/// </summary>
/// <remarks>
/// UDP: a flow whose answers come from nobody who serves: the endpoint is gone, or the flow is older than the Service and was not
/// translated at all. TCP, only where <see cref="ForwardingContext.EndsTcpFlows"/> asks for it: a flow that was translated to an endpoint
/// which does not exist any more; one that still terminates may finish what it does. SCTP has an end of its own. Where no endpoint is left,
/// flows are left alone: there is nobody to send them to.
/// </remarks>
internal sealed class StaleFlows
{
    private readonly Dictionary<Front, HashSet<RealServer>> _present = [];

    /// <summary>All that can be stale under these plans.</summary>
    internal static StaleFlows Under(IEnumerable<ServicePortPlan> plans)
    {
        var flows = new StaleFlows();
        foreach (var plan in plans)
            flows.Add(plan);
        return flows;
    }

    /// <summary>What can have become stale by these changes; a change that only adds endpoints makes nothing stale.</summary>
    internal static StaleFlows Since(IEnumerable<ServicePortChange> changes)
    {
        var flows = new StaleFlows();
        foreach (var (_, old, now) in changes)
        {
            if (now is { Present.Length: > 0 } && IsDue(old, now))
                flows.Add(now);
        }

        return flows;
    }

    private static bool IsDue(ServicePortPlan? old, ServicePortPlan now)
    {
        // Without endpoints before, nothing was ended then.
        if (old is null || old.Present.Length == 0)
            return true;
        if (!old.Present.SequenceEqual(now.Present))
        {
            var present = now.Present.ToHashSet();
            if (!old.Present.All(present.Contains))
                return true;
        }

        return old.VirtualServers != now.VirtualServers
            && now.VirtualServers.Any(server => !old.VirtualServers.Any(before => before.Front == server.Front));
    }

    private void Add(ServicePortPlan plan)
    {
        if (plan.Present.Length == 0)
            return;
        var present = plan.Present.ToHashSet();
        foreach (var server in plan.VirtualServers)
            _present[server.Front] = present;
    }

    /// <summary>What must be looked through, as narrowly as it can be told to the kernel; nothing where no flow can be stale.</summary>
    internal IEnumerable<(IpFamily Family, ConntrackFilter Filter)> Searches()
    {
        foreach (var group in _present.Keys.GroupBy(front => (front.Family, front.Protocol)))
        {
            var fronts = group.ToList();
            var first = fronts[0];
            yield return (group.Key.Family, new ConntrackFilter(
                (byte)group.Key.Protocol,
                fronts.TrueForAll(front => front.Port == first.Port) ? first.Port : null,
                first.Address.IsIPv4 && fronts.TrueForAll(front => !front.IsNodePort && front.Address == first.Address) ? first.Address.ToIPAddress().GetAddressBytes() : null,
                IsDestinationTranslated: group.Key.Protocol is Protocol.Tcp));
        }
    }

    internal bool Includes(ConntrackEntry flow)
    {
        if (flow.Original.Destination.Length is not (4 or 16) || flow.Reply.Source.Length is not (4 or 16))
            return false;
        return Includes(
            (Protocol)flow.Original.Layer4Protocol,
            new RealServer(IpAddress.Read(flow.Original.Destination), flow.Original.DestinationPort),
            new RealServer(IpAddress.Read(flow.Reply.Source), flow.Reply.SourcePort));
    }

    /// <summary>The same, of a flow by the address and port its first packet was sent to, and those its answers come from.</summary>
    internal bool Includes(Protocol protocol, RealServer sentTo, RealServer answering)
    {
        if (protocol is Protocol.Tcp && sentTo == answering)
            return false; // a connection to somebody who merely has the same port
        return (_present.TryGetValue(Front.At(sentTo.Address, protocol, sentTo.Port), out var present)
                || _present.TryGetValue(Front.OfNode(sentTo.Address.Family, protocol, sentTo.Port), out present))
            && !present.Contains(answering);
    }
}
