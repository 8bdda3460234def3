using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;
using Portolan.Speaker.Moves;
using Portolan.Tests.Proxy.Cleanup;

namespace Portolan.Tests.Speaker.Moves;

public sealed class HandoversTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly IReadOnlySet<string> Nobody = new HashSet<string>();

    [Theory]
    [InlineData(true, true, false)] // its speaker lives
    [InlineData(false, true, false)] // its speaker said goodbye: an upgrade
    [InlineData(false, false, true)] // it died
    public void LeavesConnectionsToANodeThatForwards_AndTakesThemFromOneThatDied(bool lives, bool forwards, bool breaks)
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.Portolan);
        var open = Enumerable.Range(0, 8).Select(_ => lab.Connect()).ToList();
        using var handovers = OnB(lab);
        var nodes = Nodes(lab, "a", "b");
        handovers.On([Web], Plans(lab, "a"), nodes, false, 0);
        nodes = lives ? nodes : Nodes(lab, "b");
        nodes = lives || !forwards ? nodes : nodes with { Departed = new HashSet<string> { "a" } };
        handovers.On([Web], Plans(lab, "b"), nodes, false, 1);
        lab.Point(lab.B);
        foreach (var (socket, pod) in open)
        {
            if (breaks)
                Assert.Throws<System.Net.Sockets.SocketException>(() => MovesLab.Ask(socket));
            else
                Assert.Equal(pod, MovesLab.Ask(socket));
        }

        // It dies after all: nobody waits for it a minute.
        handovers.Advance(Nodes(lab, "b"), 2);
        foreach (var (socket, _) in open)
        {
            Assert.Throws<System.Net.Sockets.SocketException>(() => MovesLab.Ask(socket));
            socket.Dispose();
        }
    }

    [Fact]
    public void LeavesNoTableBehind_OnceEverythingIsOver()
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.Portolan);
        using (var former = OnB(lab))
        {
            former.On([Web], Plans(lab, "a"), Nodes(lab, "a", "b"), false, 0);
            former.On([Web], Plans(lab, "b"), Nodes(lab, "a", "b"), false, 0);
        }

        using var handovers = OnB(lab);
        handovers.Start(0);
        Assert.Equal(60_000_000, handovers.Deadline);
        handovers.Advance(Nodes(lab, "a", "b"), 59_999_999);
        Assert.Equal(1, lab.Elements(lab.B, HandoverShape.Moved)); // of its former life, and still good
        handovers.Advance(Nodes(lab, "a", "b"), 60_000_000);
        Assert.DoesNotContain(HandoverShape.Table, lab.B.Namespace.RunInside("nft", "list tables"), StringComparison.Ordinal);
        Assert.Null(handovers.Deadline);

        handovers.On([Web], Plans(lab, "a"), Nodes(lab, "a", "b"), false, 70_000_000);
        handovers.On([Web], Plans(lab, "b"), Nodes(lab, "a", "b"), false, 70_000_000);
        Assert.Equal(130_000_000, handovers.Deadline);
        handovers.Advance(Nodes(lab, "a", "b"), 130_000_000);
        Assert.DoesNotContain(HandoverShape.Table, lab.B.Namespace.RunInside("nft", "list tables"), StringComparison.Ordinal);
    }

    [Fact]
    public void AsksNothingOfANodeBehindARouter_NorOfOneWithoutCarrier()
    {
        var context = new AnnouncementContext
        {
            LivingSpeakers = new HashSet<string> { "a" },
            Nodes = [new NodeFacts { Name = "a", InternalIPs = [IpAddress.Parse("10.1.0.7"), IpAddress.Parse("192.168.100.1")] }],
        };
        Assert.Equal("192.168.100.1", new ForwardingNodes(context, Nobody).FormerHolder("a", IpFamily.IPv4, [IpPrefix.Containing(IpAddress.Parse("192.168.100.0"), 24)]).ToString());
        Assert.Null(new ForwardingNodes(context, Nobody).FormerHolder("a", IpFamily.IPv4, [IpPrefix.Containing(IpAddress.Parse("192.168.101.0"), 24)]));
        Assert.Null(new ForwardingNodes(context, Nobody).FormerHolder("a", IpFamily.IPv6, [IpPrefix.Containing(IpAddress.Parse("192.168.100.0"), 24)]));
        context = context with { Reports = new Dictionary<string, NodeReport> { ["a"] = new() { Conditions = NodeConditions.NoCarrier } } };
        Assert.Null(new ForwardingNodes(context, Nobody).FormerHolder("a", IpFamily.IPv4, [IpPrefix.Containing(IpAddress.Parse("192.168.100.0"), 24)]));
    }

    [Fact]
    public void SaysOnceThatTheKernelRefuses_AndGoesOn()
    {
        var log = new RecordedLog();
        using var handovers = new Handovers("b", _ => throw new NetlinkException("open", Errors.NotPermitted), log);
        handovers.SetLinks(new LinkSnapshot(new Dictionary<int, Link>(), [new InterfaceAddress(2, System.Net.IPAddress.Parse("192.168.100.2"), 24, 0)]));
        var vip = IpAddress.Parse("192.168.100.240");
        for (var i = 0; i < 3; i++)
        {
            handovers.On([Web], Plans(vip, "a"), Nodes(IpAddress.Parse("192.168.100.1"), "a", "b"), false, i);
            handovers.On([Web], Plans(vip, "b"), Nodes(IpAddress.Parse("192.168.100.1"), "a", "b"), false, i);
        }

        Assert.Contains("NET_ADMIN for this, or --planned-moves=false", Assert.Single(log.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    private static Handovers OnB(MovesLab lab)
    {
        var handovers = new Handovers("b", family => lab.B.Namespace.Inside(() => new HandoverTable(family)), NullLogger.Instance);
        handovers.SetLinks(new LinkSnapshot(new Dictionary<int, Link>(), [new InterfaceAddress(2, lab.Address(2).ToIPAddress(), 24, 0)]));
        return handovers;
    }

    private static ForwardingNodes Nodes(MovesLab lab, params string[] living) => Nodes(lab.Address(1), living);

    private static ForwardingNodes Nodes(IpAddress a, params string[] living) => new(
        new AnnouncementContext { Nodes = [new NodeFacts { Name = "a", InternalIPs = [a] }, new NodeFacts { Name = "b" }], LivingSpeakers = living.ToHashSet() }, Nobody);

    private static Dictionary<ObjectKey, AnnouncementPlan> Plans(MovesLab lab, string winner) => Plans(lab.Vip, winner);

    private static Dictionary<ObjectKey, AnnouncementPlan> Plans(IpAddress vip, string winner) => new()
    {
        [Web] = new AnnouncementPlan(Web, [vip], WithdrawalReason.None, new Election(winner, [new NodeVerdict(winner, WithdrawalReason.None)]), []),
    };
}
