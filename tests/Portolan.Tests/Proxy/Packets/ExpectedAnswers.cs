using Portolan.Core.Cluster;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>An endpoint of the Service under test, as its EndpointSlice says it.</summary>
/// <param name="Host">Which pod.</param>
/// <param name="Ready"><c>conditions.ready</c>.</param>
/// <param name="Serving"><c>conditions.serving</c>.</param>
/// <param name="Terminating"><c>conditions.terminating</c>.</param>
/// <param name="Zone">A zone it is hinted at, or empty.</param>
/// <param name="Node">A node it is hinted at, or empty.</param>
internal sealed record Backend(string Host, bool Ready = true, bool Serving = true, bool Terminating = false, string Zone = "", string Node = "")
{
    internal bool IsLocal => Host != "remote";

    /// <summary>Not ready any more, but still serving while it terminates.</summary>
    internal static Backend Draining(string host) => new(host, Ready: false, Terminating: true);
}

/// <summary>How the proxy was told to recognise pods and to masquerade.</summary>
public enum Detection
{
    /// <summary>No detector.</summary>
    None,

    /// <summary>The pods' CIDR, of the whole cluster.</summary>
    ClusterCidr,

    /// <summary>No detector, but masqueradeAll.</summary>
    MasqueradeAll,

    /// <summary>The pods' CIDR and masqueradeAll.</summary>
    ClusterCidrAndMasqueradeAll,

    /// <summary>How the names of this node's pods' interfaces begin.</summary>
    InterfacePrefix,
}

/// <summary>Where a client asks.</summary>
internal enum Destination
{
    ClusterIP,
    NodePort,
    LoadBalancer,
    ExternalIP,
}

/// <summary>Who may answer, and which source address each of them sees; no one, where the client is refused or gets nothing.</summary>
/// <param name="From">The responders.</param>
/// <param name="SeesNode">Those of them that see the node's address in place of the client's.</param>
/// <param name="IsRefused">Whether the client is told that nobody is there.</param>
internal sealed record ExpectedAnswers(IReadOnlySet<string> From, IReadOnlySet<string> SeesNode, bool IsRefused)
{
    /// <summary>
    /// Kubernetes' rules in one place, written from what they say and from nothing in the product: a second opinion.
    /// </summary>
    internal static ExpectedAnswers Of(
        LabHost client, bool isPod, Destination destination, TrafficPolicy internalPolicy, TrafficPolicy externalPolicy, IReadOnlyList<Backend> backends, Detection detection)
    {
        var isNode = client.Name == "node";
        var detects = detection is not (Detection.None or Detection.MasqueradeAll);
        var isKnownPod = isPod && detects;
        var cluster = UsableAnywhere(backends);
        var local = UsableHere(backends);
        if (cluster.Count == 0 && local.Count == 0)
            return new ExpectedAnswers(new HashSet<string>(), new HashSet<string>(), IsRefused: true);

        HashSet<string> from;
        bool masquerade;
        if (destination is Destination.ClusterIP)
        {
            from = internalPolicy is TrafficPolicy.Local ? local : cluster;
            masquerade = detection is Detection.MasqueradeAll or Detection.ClusterCidrAndMasqueradeAll || (detects && !isPod);
        }
        else if (externalPolicy is TrafficPolicy.Cluster)
        {
            (from, masquerade) = (cluster, true);
        }
        else if (isKnownPod)
        {
            (from, masquerade) = (cluster, false);
        }
        else
        {
            (from, masquerade) = isNode ? (cluster, true) : (local, false);
        }

        return new ExpectedAnswers(from, from.Where(name => masquerade || name == client.Name).ToHashSet(), IsRefused: false);
    }

    private static HashSet<string> UsableAnywhere(IReadOnlyList<Backend> backends)
    {
        var ready = backends.Where(backend => backend.Ready).ToList();
        if (ready.Count == 0)
            return Names(backends.Where(backend => backend is { Serving: true, Terminating: true }));
        var ofNode = ready.Where(backend => backend.Node == "node").ToList();
        if (ofNode.Count > 0 && ready.TrueForAll(backend => backend.Node.Length > 0))
            return Names(ofNode);
        var ofZone = ready.Where(backend => backend.Zone == TwoNodeLab.Zone).ToList();
        if (ofZone.Count > 0 && ready.TrueForAll(backend => backend.Zone.Length > 0))
            return Names(ofZone);
        return Names(ready);
    }

    private static HashSet<string> UsableHere(IReadOnlyList<Backend> backends)
    {
        var here = backends.Where(backend => backend.IsLocal).ToList();
        return Names(here.Exists(backend => backend.Ready) ? here.Where(backend => backend.Ready) : here.Where(backend => backend is { Serving: true, Terminating: true }));
    }

    private static HashSet<string> Names(IEnumerable<Backend> backends) => [.. backends.Select(backend => backend.Host)];
}
