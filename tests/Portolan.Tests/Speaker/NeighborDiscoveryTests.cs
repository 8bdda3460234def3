using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Protocols.Ndp;
using Portolan.Speaker.Layer2;

namespace Portolan.Tests.Speaker;

public sealed class NeighborDiscoveryTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly ObjectKey Mail = new("default", "mail");
    private static readonly IpAddress Vip = IpAddress.Parse("fd00:100::f0", null);
    private static readonly IpAddress Fence = IpAddress.Parse("fd00:100::f1", null);
    private static readonly IpAddress Vip4 = IpAddress.Parse("192.168.100.240", null);

    [Fact]
    [Contract("§4 NDP")]
    public void ClaimsAnAddressAtOnce_AndAnswersSolicitedWithoutOverride()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        var mac = lan.MacOf("eth0");
        Assert.Equal(NdpFrame.Unsolicited(mac, Vip.ToIPv6()), lan.Client6.Next());
        lan.Client6.Ask(Vip.ToIPv6());
        Assert.Equal(
            new NdpFrame(
                lan.Client6.Mac, mac, Vip.ToIPv6(), lan.Client6.Address,
                new NeighborMessage(NeighborMessageType.Advertisement, NeighborFlags.Solicited, Vip.ToIPv6(), mac)),
            lan.Client6.Next());
        Assert.True(SpinWait.SpinUntil(
            () => lan.Metrics.Render() is var text
                && text.Contains("metallb_layer2_requests_received{ip=\"fd00:100::f0\"} 1\n", StringComparison.Ordinal)
                && text.Contains("metallb_layer2_responses_sent{ip=\"fd00:100::f0\"} 1\n", StringComparison.Ordinal)
                && text.Contains("metallb_layer2_gratuitous_sent{ip=\"fd00:100::f0\"} 1\n", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void AnswersASolicitationWithoutSourceOption()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        var asked = NdpFrame.Solicitation(lan.Client6.Mac, lan.Client6.Address, Vip.ToIPv6());
        lan.Client6.Send(asked with { Message = asked.Message with { LinkAddress = null } });
        Assert.Equal(lan.Client6.Mac, lan.Client6.NextAnswer().DestinationMac);
    }

    [Fact]
    public void AnnouncesBothFamiliesOfAService()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip4, Vip], [], 0);
        lan.Client.Ask(Vip4.ToIPv4());
        lan.Client6.Ask(Vip.ToIPv6());
        Assert.Equal(lan.MacOf("eth0"), lan.Client.NextAnswer().Packet.SenderMac);
        Assert.Equal(lan.MacOf("eth0"), lan.Client6.NextAnswer().Message.LinkAddress);
        lan.Announcer.Set(Web, [Vip], [], 0);
        Assert.Equal([Vip], lan.Announcer.Addresses);
    }

    [Fact]
    public void IsSilentFromTheMomentItLosesAnAddress_ThoughAnotherHasTheSameGroup()
    {
        using var lan = new Lan();
        var cousin = IpAddress.Parse("fd00:100:0:1::f0", null);
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.Announcer.Set(Mail, [cousin], [], 0);
        Assert.Equal(1, Groups(lan));
        lan.Announcer.Set(Web, [], [], 0);
        Assert.Equal(1, Groups(lan));
        lan.Client6.Ask(Vip.ToIPv6());
        lan.Client6.Ask(cousin.ToIPv6());
        Assert.Equal(cousin.ToIPv6(), lan.Client6.NextAnswer().Message.Target);
        lan.Announcer.Set(Mail, [], [], 0);
        Assert.Equal(0, Groups(lan));
    }

    [Fact]
    public void IgnoresWhatCameThroughARouter()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip, Fence], [], 0);
        Span<byte> bytes = stackalloc byte[NdpFrame.MaxSize];
        NdpFrame.Solicitation(lan.Client6.Mac, lan.Client6.Address, Vip.ToIPv6()).WriteTo(bytes);
        bytes[21] = 64; // hop limit
        lan.Client6.Send(bytes);
        lan.Client6.Ask(Fence.ToIPv6());
        Assert.Equal(Fence.ToIPv6(), lan.Client6.NextAnswer().Message.Target);
    }

    private static int Groups(Lan lan) =>
        lan.Node.RunInside("ip", "-6 maddr show dev eth0").Split('\n').Count(line => line.Contains("ff02::1:ff00:", StringComparison.Ordinal));

    [Fact]
    public void AKernelFindsTheAddress()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.ClientHost.Link("-6 address add fd00:100::14/64 dev eth0 nodad");
        lan.ClientHost.Inside(() =>
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            return socket.SendTo([0], new IPEndPoint(Vip.ToIPAddress(), 9));
        });
        Neighbour(lan, Vip, $"lladdr {lan.MacOf("eth0")}", "REACHABLE");
    }

    /// <summary>A neighbour that verifies what it remembers asks the address itself, not its group (RFC 4861 §7.3.3).</summary>
    [Fact]
    public void AKernelKeepsTheAddress_WhenItVerifiesIt()
    {
        using var lan = new Lan();
        lan.Node.Sysctl("net.ipv6.conf.all.forwarding", "1");
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.ClientHost.Link("-6 address add fd00:100::14/64 dev eth0 nodad");
        lan.ClientHost.Link($"-6 neighbour add {Vip} lladdr {lan.MacOf("eth0")} dev eth0 nud probe");
        Neighbour(lan, Vip, "REACHABLE", "REACHABLE");
    }

    [Fact]
    public void AKernelThatProbesTheAddress_KeepsOff()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.ClientHost.Link($"-6 address add {Vip}/64 dev eth0");
        Assert.True(SpinWait.SpinUntil(
            () => lan.ClientHost.RunInside("ip", "-6 address show dev eth0").Contains("dadfailed", StringComparison.Ordinal), TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void IsHeard_OnceIPv6IsSwitchedOn()
    {
        using var lan = new Lan();
        lan.Node.Link("link set eth0 mtu 1000"); // too small for IPv6: the kernel takes it off the interface
        lan.Announcer.Set(Web, [Vip], [], 0);
        Assert.Equal(0, Groups(lan));
        lan.Node.Link("link set eth0 mtu 1500");
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                lan.Rescan();
                return Groups(lan) == 1;
            },
            TimeSpan.FromSeconds(10)));
        lan.Client6.Ask(Vip.ToIPv6());
        Assert.Equal(Vip.ToIPv6(), lan.Client6.NextAnswer().Message.Target);
    }

    private static void Neighbour(Lan lan, IpAddress address, params string[] words)
    {
        var seen = "";
        Assert.True(
            SpinWait.SpinUntil(
                () => words.All((seen = lan.ClientHost.RunInside("ip", $"-6 neighbour show {address} dev eth0")).Contains),
                TimeSpan.FromSeconds(20)),
            seen);
    }
}
