using System.Net;
using Portolan.Speaker.Liveness;
using Portolan.Speaker.Peers;

namespace Portolan.Speaker;

/// <summary>What a speaker is told by its flags.</summary>
/// <param name="NodeName">The node it runs on.</param>
/// <param name="Namespace">Where the configuration, the Secret and the status objects are.</param>
/// <param name="PodName">Its own pod, owner of the status objects; empty outside of a cluster.</param>
/// <param name="SecretName">The Secret with the speakers' common key.</param>
/// <param name="LoadBalancerClass">Announce the Services of this class; null: those without one.</param>
/// <param name="IgnoreExcludeLabel">Announce from nodes labelled as excluded from load balancers too.</param>
internal sealed record SpeakerOptions(
    string NodeName, string Namespace, string PodName, string SecretName, string? LoadBalancerClass, bool IgnoreExcludeLabel)
{
    /// <summary>Cordoned nodes announce as others do.</summary>
    public bool IgnoreCordon { get; init; }

    /// <summary>Where the node's service proxy tells what it has programmed; empty: nowhere.</summary>
    public string ProgrammedSocket { get; init; } = "";

    /// <summary>The health check of kube-proxy, asked while nobody listens at the socket; null: none.</summary>
    public Uri? ProxyHealthz { get; init; }

    /// <summary>Connections outlive it when an address moves here from a node that lives (<c>--planned-moves</c>).</summary>
    public bool PlannedMoves { get; init; } = true;

    /// <summary>Where the bfd process of this pod is; empty: this process holds the sessions between speakers.</summary>
    public string BfdSocket { get; init; } = "";

    /// <summary>How fast a dead speaker is noticed by them, with a bfd process.</summary>
    public LivenessProfile LivenessProfile { get; init; }

    /// <summary>Where to listen for other speakers; null, or of another family than the node's address: there.</summary>
    public IPAddress? PeerAddress { get; init; }

    /// <summary>The TCP port on which BGP peers that are waited for connect; 0: none.</summary>
    public ushort BgpPort { get; init; } = Portolan.Bgp.BgpLoop.DefaultPort;

    /// <summary>Where <c>portolan get bgp</c> is answered; empty: nowhere.</summary>
    public string BgpSocket { get; init; } = "";

    /// <summary>The UDP port on which speakers talk to each other.</summary>
    public int PeerPort { get; init; } = SpeakerPeers.DefaultPort;
}
