using Portolan.Core.Announcements;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using static Portolan.Core.Tests.Announcements.Bgp.GivenBgp;

namespace Portolan.Core.Tests.Announcements.Bgp;

public sealed class BgpIndexTests
{
    private readonly BgpIndex _index = new();

    [Fact]
    public void TellsWhatChanged_AndNothingElse()
    {
        Assert.Equal(["tor1", "tor2"], _index.Set(Context).Moved);
        Assert.Equal([Given.Web], _index.Set(Given.Service("192.168.100.7")).Services); // no endpoints
        var appeared = _index.Set(Given.Slice(Given.Endpoint("node1")));
        Assert.Equal(["1: tor1, tor2 192.168.100.7/32 "], Said(appeared));
        Assert.Equal([Given.Web], appeared.Services);
        Assert.Equal(["tor1", "tor2"], _index.PeersOf(Given.Web));

        // An endpoint that moves and a label that nobody selects change nothing; neither does a context that says the same.
        Assert.Same(BgpChanges.None, _index.Set(Given.Slice(Given.Endpoint("node2"))));
        Assert.Same(BgpChanges.None, _index.Set(Given.Service("192.168.100.7") with { Labels = new Dictionary<string, string> { ["new"] = "label" } }));
        Assert.Same(BgpChanges.None, _index.Set(Context with { Advertisements = [Advertisement("all")], Peers = [Peer("tor2"), Peer("tor1")], Node = Given.Node("node1", ("rack", "a"), ("more", "labels")) }));

        Assert.Equal(["1: tor1, tor2 192.168.100.7/32 gone", "1: tor1, tor2 192.168.100.8/32 "], Said(_index.Set(Given.Service("192.168.100.8"))));
        Assert.Equal(["1: tor1, tor2 192.168.100.8/32 gone"], Said(_index.RemoveService(Given.Web)));
        Assert.Same(BgpChanges.None, _index.RemoveService(Given.Web));
        Assert.Empty(_index.Plans);
        Assert.Equal(0, _index.Classes[0].Count);
    }

    [Fact]
    public void KeepsAPrefixUntilTheLastServiceThatHasItIsGone()
    {
        _index.Set(Context with { Advertisements = [Advertisement("block", spec => spec with { AggregationLength = 24 })], Policies = [Policy("p") with { LinkBandwidthPerEndpoint = 8 }] });
        var block = Prefix("192.168.100.0/24");
        Add("a", Given.Service("192.168.100.1").Asking("64512:1"));
        Assert.Equal(["1: tor1, tor2 192.168.100.0/24 communities 64512:1,64512:2"], Said(Add("b", Given.Service("192.168.100.2").Asking("64512:2"))));
        Assert.Empty(Add("c", Given.Service("192.168.100.2").Asking("64512:2")).Routes);
        Assert.Equal(["1: tor1, tor2 192.168.100.0/24 communities 64512:1,64512:2 linkBandwidth 1000000"], Said(Add("d", Local("192.168.100.3"))));

        Assert.Empty(_index.RemoveService(new ObjectKey("default", "b")).Routes);
        Assert.Equal(["1: tor1, tor2 192.168.100.0/24 communities 64512:1 linkBandwidth 1000000"], Said(_index.RemoveService(new ObjectKey("default", "c"))));
        Assert.Equal(["1: tor1, tor2 192.168.100.0/24 communities 64512:1"], Said(_index.RemoveSlice(new ObjectKey("default", "d"))));
        Assert.Equal(WithdrawalReason.NoLocalEndpoints, _index.Plans[new ObjectKey("default", "d")].Reason);
        Assert.NotNull(_index.Classes[0][block]);
        Assert.Equal(["1: tor1, tor2 192.168.100.0/24 gone"], Said(_index.RemoveService(new ObjectKey("default", "a"))));
        Assert.Null(_index.Classes[0][block]);
    }

    [Fact]
    public void HasOneTableForAllPeersThatHearTheSame()
    {
        _index.Set(Context with
        {
            Advertisements = [Advertisement("all"), Advertisement("inner", spec => spec with { Peers = ["tor3"] })],
            Peers = [Peer("tor1"), Peer("tor2"), Peer("tor3"), Peer("tor4"), Peer("tor5"), Peer("far", Given.Label("rack", "b"))],
            Policies = [Policy("p", "tor4", "tor5") with { Med = 10 }],
        });
        Assert.Equal(["1: tor1, tor2", "2: tor3", "3: tor4, tor5"], _index.Classes.Select(known => known.ToString()));
        Assert.Same(_index.Classes[2], _index.ClassOf("tor5"));
        Assert.Null(_index.ClassOf("far"));

        // A policy that says nothing of routes makes no difference to them.
        _index.Set(_index.Context with { Policies = [Policy("p", "tor4", "tor5") with { Med = 10 }, Policy("q", "tor1") with { TtlSecurityHops = 1, MaxPrefixes = 5 }] });
        Assert.Equal(["1: tor1, tor2", "2: tor3", "3: tor4, tor5"], _index.Classes.Select(known => known.ToString()));
    }

    [Fact]
    public void LeavesPeersInTheirClass_WhereverTheyCanStay()
    {
        _index.Set(Context);
        Add("a", Given.Service("192.168.100.1"));
        var both = _index.Classes[0];

        // Another attribute for both, one more peer, one fewer: the class is the same.
        var dearer = _index.Set(Context with { Policies = [Policy("p") with { Med = 10 }] });
        Assert.Equal((1, 0), (dearer.Routes.Count, dearer.Moved.Count));
        Assert.Equal(["1: tor1, tor2 192.168.100.1/32 med 10"], Said(dearer));
        var joined = _index.Set(_index.Context with { Peers = [.. _index.Context.Peers, Peer("tor0")] });
        Assert.Equal((0, "tor0"), (joined.Routes.Count, Assert.Single(joined.Moved)));
        Assert.Same(both, Assert.Single(_index.Classes));

        // A peer that hears something else from now on gets a table of its own, and the others keep theirs.
        var split = _index.Set(_index.Context with { Policies = [Policy("p", "tor0", "tor2") with { Med = 10 }, Policy("q", "tor1") with { Med = 20 }] });
        Assert.Equal("tor1", Assert.Single(split.Moved));
        Assert.Equal(["2: tor1 192.168.100.1/32 med 20"], Said(split));
        Assert.Same(both, _index.ClassOf("tor0"));

        // Together again: whose class it is does not matter, but it is one of both.
        var again = _index.Set(_index.Context with { Policies = [Policy("p") with { Med = 10 }] });
        Assert.Equal("tor1", Assert.Single(again.Moved));
        Assert.Empty(again.Routes);
        Assert.Same(both, Assert.Single(_index.Classes));
        Assert.Equal(["tor0", "tor1", "tor2"], _index.Set(_index.Context with { Node = null }).Moved);
        Assert.Empty(_index.Classes);
    }

    [Fact]
    public void PlansBothServices_WhenASliceMovesFromOneToAnother()
    {
        _index.Set(Context);
        _index.Set(Named("a", Given.Service("192.168.100.1")));
        _index.Set(Named("b", Given.Service("192.168.100.2")));
        _index.Set(Given.Slice(Given.Endpoint("node1")) with { Service = new ObjectKey("default", "a") });
        Assert.Equal(
            ["1: tor1, tor2 192.168.100.1/32 gone", "1: tor1, tor2 192.168.100.2/32 "],
            Said(_index.Set(Given.Slice(Given.Endpoint("node1")) with { Service = new ObjectKey("default", "b") })));
    }

    [Fact]
    public void CostsNoMoreForOneServiceWhereThereAreMany()
    {
        var few = Allocated(services: 10);
        var many = Allocated(services: 1000);
        Assert.InRange(many - few, -1000, 1000); // less than a byte more for each of 990 Services that have the prefix, too
    }

    private static long Allocated(int services)
    {
        var index = new BgpIndex();
        index.Set(Context with { Pools = Given.Pools(("lan", "10.0.0.0/16")), Advertisements = [Advertisement("block", spec => spec with { AggregationLength = 16 })] });
        for (var i = 0; i < services; i++)
        {
            var service = Named($"web{i}", Given.Service($"10.0.{i / 256}.{i % 256}"));
            index.Set(Given.Slice(Given.Endpoint("node1")) with { Key = service.Key, Service = service.Key });
            index.Set(service);
        }

        var (one, other) = (Named("web3", Given.Service("10.0.200.1")), Named("web3", Given.Service("10.0.200.2").Asking("64512:1")));
        Assert.Empty(index.Set(one).Routes);
        Assert.Single(index.Set(other).Routes);
        Assert.Single(index.Set(one).Routes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        index.Set(other);
        index.Set(one);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private BgpChanges Add(string name, ServiceFacts service)
    {
        var key = new ObjectKey("default", name);
        _index.Set(Given.Slice(Given.Endpoint("node1")) with { Key = key, Service = key });
        return _index.Set(Named(name, service));
    }

    private static ServiceFacts Named(string name, ServiceFacts service) => service with { Key = new ObjectKey("default", name) };

    private static IEnumerable<string> Said(BgpChanges changes) =>
        changes.Routes.Select(change => $"{change.Class} {change.Prefix} {change.Attributes?.ToString() ?? "gone"}").Order(StringComparer.Ordinal);
}
