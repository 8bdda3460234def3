using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>Two namespaces with a wire between them: ours, and that of the others.</summary>
internal sealed class BgpWire : IDisposable
{
    public const string Ours = "192.168.100.100";
    public const string Theirs = "192.168.100.101";
    public const string OursV6 = "fd00::100";
    public const string TheirsV6 = "fd00::101";
    public const uint OurAsn = 4200000001;
    public const uint TheirAsn = 4200000002;

    public BgpWire()
    {
        NetworkNamespace.SkipUnlessRoot();
        Us = new NetworkNamespace("bgp-us");
        Them = new NetworkNamespace("bgp-them");
        Us.Wire("eth0", Them, "eth0");
        foreach (var (where, ipv4, ipv6) in ((NetworkNamespace, string, string)[])[(Us, Ours, OursV6), (Them, Theirs, TheirsV6)])
        {
            where.Link($"addr add {ipv4}/24 dev eth0");
            where.Link($"addr add {ipv6}/64 dev eth0 nodad");
        }
    }

    public NetworkNamespace Us { get; }

    public NetworkNamespace Them { get; }

    /// <summary>How they speak with us.</summary>
    public static Peering Peering(bool ipv6 = false, bool isInternal = false) =>
        new(ipv6 ? TheirsV6 : Theirs, ipv6 ? OursV6 : Ours, isInternal ? OurAsn : TheirAsn, OurAsn);

    /// <summary>How we speak with them.</summary>
    public static NeighborSettings Neighbor(string address = Theirs, string name = "them", Func<PeerSettings, PeerSettings>? change = null)
    {
        var session = new PeerSettings
        {
            LocalAsn = OurAsn,
            Identifier = 0xc0a86464,
            Families = BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast,
            ExtendedMessage = true,
            ExtendedNextHop = address.Contains(':', StringComparison.Ordinal),
            ConnectTime = 3_000_000,
            LongestPause = 1_000_000,
        };
        return new NeighborSettings { Name = name, Address = IpAddress.Parse(address), Session = change?.Invoke(session) ?? session };
    }

    /// <summary>Another one that only connects: with it we listen.</summary>
    public static NeighborSettings Waited(string address = "192.168.100.177") => Neighbor(address, "waited", session => session with { IsPassive = true });

    public void Dispose()
    {
        Us.Dispose();
        Them.Dispose();
    }
}
