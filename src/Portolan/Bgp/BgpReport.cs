using System.Text.Json.Serialization;

namespace Portolan.Bgp;

/// <summary>What <c>portolan get bgp</c> prints: this node's BGP as its speaker has it.</summary>
/// <param name="Node">The node.</param>
/// <param name="Neighbors">Every neighbour, by name.</param>
internal sealed record BgpReport(string Node, IReadOnlyList<NeighborReport> Neighbors);

/// <summary>A neighbour.</summary>
internal sealed record NeighborReport
{
    /// <summary>The BGPPeer's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its address; null while nobody was found on its interface.</summary>
    public string? Address { get; init; }

    /// <summary>Its interface.</summary>
    public string? Interface { get; init; }

    /// <summary>Its TCP port.</summary>
    public ushort Port { get; init; }

    /// <summary>Its VRF.</summary>
    public string? Vrf { get; init; }

    /// <summary>The AS number it knows us by.</summary>
    public uint LocalAsn { get; init; }

    /// <summary>Its AS number.</summary>
    public uint? PeerAsn { get; init; }

    /// <summary>The state of RFC 4271 §8.2.2.</summary>
    public required string State { get; init; }

    /// <summary>Since when it is established, or is not.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Our end.</summary>
    public string? LocalAddress { get; init; }

    /// <summary>Its BGP identifier.</summary>
    public string? Identifier { get; init; }

    /// <summary>Seconds.</summary>
    public int? HoldTime { get; init; }

    /// <summary>What was agreed on, in words.</summary>
    public IReadOnlyList<string> Negotiated { get; init; } = [];

    /// <summary>Routes that it has been sent, and those that it has yet to be sent.</summary>
    public int Sent { get; init; }

    /// <summary>See <see cref="Sent"/>.</summary>
    public int Pending { get; init; }

    /// <summary>Messages, sent and received.</summary>
    public long MessagesSent { get; init; }

    /// <summary>See <see cref="MessagesSent"/>.</summary>
    public long MessagesReceived { get; init; }

    /// <summary>How the last session or attempt ended, in words.</summary>
    public string? LastEnd { get; init; }

    /// <summary>When that was.</summary>
    public DateTimeOffset? LastEndAt { get; init; }

    /// <summary>What is announced to it, when asked for.</summary>
    public IReadOnlyList<RouteReport>? Routes { get; init; }
}

/// <summary>A route of the adj-RIB-out.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="IsSent">It has been sent.</param>
/// <param name="NextHop">Where packets are to be sent.</param>
/// <param name="LocalPref">LOCAL_PREF; internal peers only.</param>
/// <param name="Med">MULTI_EXIT_DISC.</param>
/// <param name="Prepend">How often our AS number stands in the path beyond once.</param>
/// <param name="Communities">Of all kinds, in words.</param>
internal sealed record RouteReport(string Prefix, bool IsSent, string? NextHop, uint? LocalPref, uint? Med, int Prepend, IReadOnlyList<string> Communities);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(BgpReport))]
internal sealed partial class BgpReportJson : JsonSerializerContext;
