using System.Net;

namespace Portolan.Lab.Network;

/// <summary>An Ethernet segment of the lab: a bridge in the switch's namespace, with one subnet of each family.</summary>
/// <param name="Bridge">The bridge's name.</param>
/// <param name="Prefix">The first three octets of its /24, with the dot after them.</param>
internal sealed record Segment(string Bridge, string Prefix)
{
    /// <summary>Where the cluster is, and a client beside it.</summary>
    public static Segment Lan { get; } = new("br0", "192.168.100.");

    /// <summary>Behind the router: who is here reaches the LAN by routing only.</summary>
    public static Segment Remote { get; } = new("br1", "192.168.200.");

    public IPAddress Address(int number) => IPAddress.Parse($"{Prefix}{number}");
}
