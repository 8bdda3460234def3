using System.Net;
using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Linux.Links;

namespace Portolan.Tests.Bgp;

public sealed class SessionAddressesTests
{
    // Two interfaces with the same address, the second one in a VRF.
    private static readonly LinkSnapshot _links = new(
        new Dictionary<int, Link> { [1] = Link(1, "eth0", 0, "veth"), [2] = Link(2, "eth1", 3, "veth"), [3] = Link(3, "red", 0, "vrf"), [4] = Link(4, "eth2", 5, "veth"), [5] = Link(5, "br0", 0, "bridge") },
        [
            Own(1, "192.168.100.100", 24), Own(1, "fd00:1::100", 64), Own(1, "fe80::1", 64),
            Own(2, "192.168.100.100", 24), Own(2, "fd00:2::100", 64), Own(2, "fe80::1", 64),
            Own(3, "10.0.0.3", 32),
            Own(4, "10.0.4.1", 24), Own(5, "fd00:5::1", 64),
        ]);

    [Theory]
    [InlineData("192.168.100.100", "192.168.100.101", "", "192.168.100.100 fd00:1::100 fe80::1 True")]
    [InlineData("192.168.100.100", "192.168.100.101", "red", "192.168.100.100 fd00:2::100 fe80::1 True")]
    [InlineData("fe80::1%2", "fe80::2%2", "red", "192.168.100.100 fd00:2::100 fe80::1 True")]
    [InlineData("fe80::1%1", "fe80::2%1", "", "192.168.100.100 fd00:1::100 fe80::1 True")]
    [InlineData("192.168.100.100", "192.168.7.1", "red", "192.168.100.100 fd00:2::100 fe80::1 False")] // several hops away
    [InlineData("10.0.0.3", "192.168.7.1", "red", "10.0.0.3   False")] // on the VRF's own device
    [InlineData("10.0.4.1", "10.0.4.2", "", "10.0.4.1   True")] // a bridge is no VRF
    [InlineData("192.168.100.99", "192.168.100.101", "", "192.168.100.99   False")] // gone meanwhile
    public void AreThoseOfTheInterfaceInTheVrf_ThatHasTheSessionsOwn(string local, string peer, string vrf, string expected)
    {
        var found = SessionAddresses.Of(_links, IPAddress.Parse(local), IPAddress.Parse(peer), vrf);
        Assert.Equal(expected, $"{Text(found.IPv4)} {Text(found.Global)} {Text(found.LinkLocal)} {found.IsPeerOnLink}");
    }

    private static string Text(IpAddress? address) => address?.ToString() ?? "";

    private static Link Link(int index, string name, int master, string kind) => new(index, name, LinkFlags.Up, Portolan.Linux.Links.Link.Ethernet, default, master, 1500, kind);

    private static InterfaceAddress Own(int link, string address, int length) => new(link, IPAddress.Parse(address), length, 0);
}
