using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Layer2;

namespace Portolan.Tests.Speaker;

public sealed class Layer2AnnouncerTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly ObjectKey Mail = new("default", "mail");
    private static readonly IpAddress Vip = IpAddress.V4(0xc0a864f0);
    private static readonly IpAddress Fence = IpAddress.V4(0xc0a864f1);

    [Fact]
    [Contract("§4 ARP")]
    public void ClaimsAnAddressAtOnce_AndAnswersOnceWithItsOwnMac()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        var mac = lan.MacOf("eth0");
        Assert.Equal(ArpFrame.GratuitousRequest(mac, Vip.ToIPv4()), lan.Client.Next());
        Assert.Equal(ArpFrame.GratuitousReply(mac, Vip.ToIPv4()), lan.Client.Next());

        lan.Announcer.Set(Mail, [Fence], [], 0);
        lan.Client.Ask(Vip.ToIPv4());
        lan.Client.Ask(Fence.ToIPv4());
        var first = lan.Client.NextAnswer();
        Assert.Equal(
            new ArpFrame(lan.Client.Mac, mac, new ArpPacket(ArpOperation.Reply, mac, Vip.ToIPv4(), lan.Client.Mac, lan.Client.Address)),
            first);
        Assert.Equal(Fence, lan.Client.NextAnswer().Packet.Sender.ToIpAddress()); // and no second answer before it
    }

    [Fact]
    [Contract("§4 gratuitous")]
    public void RepeatsItsClaimForFiveSeconds()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        var sent = new List<long> { 0 };
        while (lan.Announcer.Deadline is { } due)
        {
            lan.Announcer.Advance(due - 1);
            Assert.Equal(due, lan.Announcer.Deadline);
            lan.Announcer.Advance(due);
            sent.Add(due);
        }

        Assert.Equal([0, 1_100_000, 2_200_000, 3_300_000, 4_400_000], sent);
        for (var i = 0; i < 5; i++)
            Assert.Equal((ArpOperation.Request, ArpOperation.Reply), (lan.Client.Next().Packet.Operation, lan.Client.Next().Packet.Operation));
        Assert.Contains("metallb_layer2_gratuitous_sent{ip=\"192.168.100.240\"} 10", lan.Metrics.Render(), StringComparison.Ordinal);
    }

    [Fact]
    public void ClaimsAnew_WhatACutOffNodeMayHaveClaimedMeanwhile()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        while (lan.Announcer.Deadline is { } due)
            lan.Announcer.Advance(due);
        for (var i = 0; i < 10; i++)
            lan.Client.Next();

        lan.Announcer.ClaimAnew(60_000_000);
        Assert.Equal(ArpFrame.GratuitousRequest(lan.MacOf("eth0"), Vip.ToIPv4()), lan.Client.Next());
        Assert.Equal(61_100_000, lan.Announcer.Deadline); // a client that changed its mind within the last second takes it then only
    }

    [Fact]
    public void IsSilentFromTheMomentItLosesAnAddress()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.Announcer.Set(Mail, [Fence], [], 0);
        lan.Announcer.Set(Web, [], [], 0);
        lan.Client.Ask(Vip.ToIPv4());
        lan.Client.Ask(Fence.ToIPv4());
        Assert.Equal(Fence, lan.Client.NextAnswer().Packet.Sender.ToIpAddress());
        lan.Announcer.Advance(1_100_000);
        Assert.Contains("metallb_layer2_responses_sent{ip=\"192.168.100.240\"} 0\n", lan.Metrics.Render(), StringComparison.Ordinal);
        Assert.Equal([Fence], lan.Announcer.Addresses);
    }

    [Fact]
    public void KeepsASharedAddress_UntilItsLastServiceGoes()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.Announcer.Set(Mail, [Vip], [], 0);
        lan.Announcer.Set(Web, [], [], 0);
        lan.Client.Ask(Vip.ToIPv4());
        Assert.Equal(Vip, lan.Client.NextAnswer().Packet.Sender.ToIpAddress());
        lan.Announcer.Set(Mail, [], [], 0);
        Assert.Empty(lan.Announcer.Addresses);
    }

    [Fact]
    public void AnswersOnAnInterfaceThatWasMadeAnew_WithTheNewMac()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        var old = lan.MacOf("eth0");
        lan.Recreate();
        var mac = lan.MacOf("eth0");
        Assert.NotEqual(old, mac);
        Assert.Equal(ArpFrame.GratuitousRequest(mac, Vip.ToIPv4()), lan.Client.Next());
        lan.Client.Ask(Vip.ToIPv4());
        Assert.Equal(mac, lan.Client.NextAnswer().Packet.SenderMac);
    }

    [Fact]
    public void AnswersAgain_WhenAnInterfaceWasDownForAMoment()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.Node.Link("link set eth0 down");
        lan.Node.Link("link set eth0 up");
        // Nobody saw it go: the socket fails, and is opened anew a moment later.
        Assert.True(SpinWait.SpinUntil(() => lan.Failures.TryDequeue(out var failed) && Fail(failed), TimeSpan.FromSeconds(10)));
        lan.Rescan();
        lan.Client.Ask(Vip.ToIPv4());
        Assert.Equal(Vip, lan.Client.NextAnswer().Packet.Sender.ToIpAddress());

        bool Fail(LinkResponder failed)
        {
            lan.Announcer.Failed(failed, 0);
            lan.Announcer.Advance(lan.Announcer.Deadline!.Value);
            return true;
        }
    }

    [Fact]
    public void SaysANewMacAtOnce()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], [], 0);
        lan.Node.Link("link set eth0 address 02:00:5e:10:00:77");
        lan.Rescan();
        Assert.True(MacAddress.TryParse("02:00:5e:10:00:77", out var mac));
        ArpFrame frame;
        do
            frame = lan.Client.Next();
        while (frame.Packet.SenderMac != mac);
        Assert.Equal(ArpFrame.GratuitousRequest(mac, Vip.ToIPv4()), frame);
        lan.Client.Ask(Vip.ToIPv4());
        Assert.Equal(mac, lan.Client.NextAnswer().Packet.SenderMac);
    }

    [Fact]
    public void KeepsToTheInterfacesOfTheAdvertisement()
    {
        using var lan = new Lan();
        lan.Announcer.Set(Web, [Vip], ["eth9"], 0);
        lan.Announcer.Set(Mail, [Fence], [], 0);
        Assert.False(lan.Announcer.HasInterface(["eth9"]));
        Assert.True(lan.Announcer.HasInterface(["eth9", "eth0"]));
        lan.Client.Ask(Vip.ToIPv4());
        lan.Client.Ask(Fence.ToIPv4());
        Assert.Equal(Fence, lan.Client.NextAnswer().Packet.Sender.ToIpAddress());
        lan.Announcer.Set(Web, [Vip], ["eth0"], 0);
        lan.Client.Ask(Vip.ToIPv4());
        Assert.Equal(Vip, lan.Client.NextAnswer().Packet.Sender.ToIpAddress());
    }

    [Theory]
    [Contract("§4 interfaces")]
    [InlineData("eth0", LinkFlags.Up | LinkFlags.Broadcast, Link.Ethernet, 0, true)]
    [InlineData("br-lan", LinkFlags.Up | LinkFlags.Broadcast, Link.Ethernet, 0, true)]
    [InlineData("eth0", LinkFlags.Broadcast, Link.Ethernet, 0, false)] // down
    [InlineData("eth0", LinkFlags.Up | LinkFlags.NoArp, Link.Ethernet, 0, false)]
    [InlineData("eth0", LinkFlags.Up, Link.Ethernet, 7, false)] // a bridge's port, a bond's slave
    [InlineData("tun0", LinkFlags.Up | LinkFlags.PointToPoint, (ushort)65534, 0, false)]
    [InlineData("lo", LinkFlags.Up | LinkFlags.Loopback, (ushort)772, 0, false)]
    [InlineData("cni0", LinkFlags.Up, Link.Ethernet, 0, false)]
    [InlineData("docker0", LinkFlags.Up, Link.Ethernet, 0, false)]
    [InlineData("cali123", LinkFlags.Up, Link.Ethernet, 0, false)]
    [InlineData("veth1a2b", LinkFlags.Up, Link.Ethernet, 0, false)]
    [InlineData("nodelocaldns", LinkFlags.Up, Link.Ethernet, 0, false)]
    [InlineData("pods0", LinkFlags.Up, Link.Ethernet, 0, false)]
    [InlineData("lora0", LinkFlags.Up, Link.Ethernet, 0, true)]
    public void SelectsInterfacesAsMetalLBDoes(string name, LinkFlags flags, ushort type, int master, bool expected) =>
        Assert.Equal(expected, InterfaceSelection.Default.Accepts(new Link(2, name, flags, type, LinkAddress.Read([2, 0, 0, 0, 0, 1]), master, 1500, "")));
}
