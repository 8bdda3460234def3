using Portolan.Bgp;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>
/// Two routers with the same address, one of them in a VRF. Not every kernel has VRFs: the end-to-end tests run this in a virtual machine whose kernel does.
/// </summary>
public sealed class VrfTests : IDisposable
{
    private const string Inside = "203.0.113.7/32";
    private const string InsideV6 = "2001:db8::7/128";
    private const string Outside = "203.0.113.8/32";

    private readonly NetworkNamespace _us;
    private readonly NetworkNamespace _inside;
    private readonly NetworkNamespace _outside;

    public VrfTests()
    {
        NetworkNamespace.SkipUnlessRoot();
        (_us, _inside, _outside) = (new NetworkNamespace("vrf-us"), new NetworkNamespace("vrf-in"), new NetworkNamespace("vrf-out"));
        try
        {
            _us.Link("link add red type vrf table 10");
        }
        catch (InvalidOperationException refused)
        {
            Dispose();
            Assert.Skip($"this kernel has no VRF: {refused.Message.Trim()}");
        }

        _us.Link("link set red up");
        // Found first by who looks for the address alone.
        Connect(_outside, "eth0", "fd00:2::");
        Connect(_inside, "eth1", "fd00:1::");
    }

    public void Dispose()
    {
        _us.Dispose();
        _inside.Dispose();
        _outside.Dispose();
    }

    [Fact]
    public void SessionsStayInTheirVrf_WhoeverConnects()
    {
        using var inside = ForeignSpeaker.Create("bird", _inside, BgpWire.Peering() with { Waits = false, Password = "s3cret" });
        using var outside = ForeignSpeaker.Create("bird", _outside, BgpWire.Peering() with { Waits = false, LocalAsn = 65003 });
        inside.Start();
        outside.Start();
        using var us = new BgpSide(_us);
        us.Announce(Inside, PathAttributes.Default, "inside");
        us.Announce(InsideV6, PathAttributes.Default, "inside");
        us.Announce(Outside, PathAttributes.Default, "outside");

        // They connect, to the same port on both sides of the wall; then we do.
        foreach (var isPassive in (bool[])[true, false])
        {
            us.Loop.SetNeighbors([(Neighbor("inside", BgpWire.TheirAsn, isPassive) with { Vrf = "red", Password = "s3cret" }, "inside"), (Neighbor("outside", 65003, isPassive), "outside")]);
            us.Loop.AreReady();
            Assert.Equal((BgpWire.TheirAsn, 65003u), (us.AwaitUp("inside").PeerAsn!.Value, us.AwaitUp("outside").PeerAsn!.Value));
            Assert.Equal(BgpWire.Ours, inside.Await(Inside).NextHop);
            Assert.Equal("fd00:1::100", inside.Await(InsideV6).NextHop.Split(' ')[0]);
            Assert.Equal(BgpWire.Ours, outside.Await(Outside).NextHop);
            Assert.Null(inside.Find(Outside));
            Assert.Null(outside.Find(Inside));
        }
    }

    private static NeighborSettings Neighbor(string name, uint asn, bool isPassive) =>
        BgpWire.Neighbor(name: name, change: session => session with { PeerAsn = asn, IsPassive = isPassive, HoldTime = (ushort)(isPassive ? 90 : 60) });

    private void Connect(NetworkNamespace them, string link, string prefix)
    {
        _us.Wire(link, them, "eth0");
        if (them == _inside)
            _us.Link($"link set {link} master red");
        foreach (var (where, device, own, ipv4) in ((NetworkNamespace, string, int, string)[])[(_us, link, 100, BgpWire.Ours), (them, "eth0", 101, BgpWire.Theirs)])
        {
            where.Link($"addr add {ipv4}/24 dev {device}");
            where.Link($"addr add {prefix}{own}/64 dev {device} nodad");
        }
    }
}
