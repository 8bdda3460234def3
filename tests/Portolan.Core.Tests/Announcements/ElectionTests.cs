using CsCheck;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class ElectionTests
{
    // printf 'node1#192.168.100.240' | sha256sum, and so on: the order of the digests.
    [Theory]
    [InlineData("192.168.100.240", "node3 node1 node2")]
    [InlineData("192.168.100.241", "node1 node3 node2")]
    [InlineData("192.168.100.242", "node3 node2 node1")]
    [InlineData("192.168.100.243", "node2 node3 node1")]
    public void OrdersNodesAsMetalLBDoes(string address, string order)
    {
        var election = Given.Plan(Given.Service(address)).Election;
        Assert.Equal(order, string.Join(' ', election.Verdicts.Select(verdict => verdict.Node)));
        Assert.Equal(order.Split(' ')[0], election.Winner);
        Assert.Equal([WithdrawalReason.None, WithdrawalReason.NotOwner, WithdrawalReason.NotOwner], election.Verdicts.Select(verdict => verdict.Reason));
    }

    // printf 'worker-0#2001:db8::1' | sha256sum, and so on.
    [Theory]
    [InlineData("10.0.0.1", "worker-1 worker-3 worker-2 worker-4 worker-0")]
    [InlineData("172.16.255.254", "worker-4 worker-2 worker-0 worker-3 worker-1")]
    [InlineData("2001:db8::1", "worker-0 worker-2 worker-4 worker-1 worker-3")]
    [InlineData("fd00:100::f0", "worker-3 worker-4 worker-1 worker-0 worker-2")]
    [InlineData("203.0.113.7", "ip-10-0-2-7.eu-central-1.compute.internal edge ip-10-0-1-23.eu-central-1.compute.internal")]
    [InlineData("2001:db8:0:1:1:1:1:1", "ip-10-0-1-23.eu-central-1.compute.internal edge ip-10-0-2-7.eu-central-1.compute.internal")]
    public void OrdersAnyNodesForAnyAddressAsMetalLBDoes(string address, string order)
    {
        var nodes = order.Split(' ').Order(StringComparer.Ordinal).ToList();
        var context = Given.Context with
        {
            Pools = Given.Pools(("all", address.Contains(':') ? address + "/128" : address + "/32")),
            Nodes = [.. nodes.Select(node => Given.Node(node))],
            LivingSpeakers = nodes.ToHashSet(),
        };
        Assert.Equal(order, string.Join(' ', Given.Plan(Given.Service(address), context).Election.Verdicts.Select(verdict => verdict.Node)));
        var index = new AnnouncementIndex();
        index.Set(context);
        index.Set(Given.Slice(Given.Endpoint(nodes[0])));
        index.Set(Given.Service(address));
        Assert.Equal(order.Split(' ')[0], index.Plans[Given.Web].Election.Winner);
    }

    [Fact]
    public void PassesToTheNextInLine_WhenASpeakerDies()
    {
        var all = Given.Plan(Given.Service("192.168.100.240")).Election;
        var context = Given.Context with { LivingSpeakers = new HashSet<string>(Given.Context.LivingSpeakers.Where(node => node != all.Winner)) };
        var rest = Given.Plan(Given.Service("192.168.100.240"), context).Election;
        Assert.Equal(all.Verdicts[1].Node, rest.Winner);
        Assert.Equal(WithdrawalReason.NoSpeaker, rest.Of(all.Winner!));
        Assert.Equal(all.Verdicts[2].Node, rest.Verdicts[1].Node);
    }

    [Fact]
    public void ElectsNobody_WhenNoSpeakerLives()
    {
        var plan = Given.Plan(Given.Service("192.168.100.240"), Given.Context with { LivingSpeakers = new HashSet<string>() });
        Assert.Null(plan.Election.Winner);
        Assert.Equal(WithdrawalReason.NoSpeaker, plan.On("node1"));
    }

    [Fact]
    public void LeavesOutNodesThatMayNotAnnounce()
    {
        var context = Given.Context with
        {
            Nodes =
            [
                Given.Node("node1") with { NetworkUnavailable = true },
                Given.Node("node2", (Election.ExcludeLabel, "")),
                Given.Node("node3"),
            ],
        };
        var plan = Given.Plan(Given.Service("192.168.100.240"), context);
        Assert.Equal("node3", plan.Election.Winner);
        Assert.Equal(WithdrawalReason.NodeNetworkUnavailable, plan.On("node1"));
        Assert.Equal(WithdrawalReason.NodeLabeledExcludeBalancers, plan.On("node2"));
        Assert.Equal(WithdrawalReason.None, plan.On("node3"));
        var ignoring = Given.Plan(Given.Service("192.168.100.240"), context with { IgnoreExcludeLabel = true });
        Assert.Equal(["node2", "node3"], ignoring.Election.Verdicts.Take(2).Select(verdict => verdict.Node).Order());
    }

    [Fact, Contract("§1.2 preferredNodeSelectors")]
    public void PrefersNodesByTheSumOfTheirWeights_AmongThoseEligible()
    {
        // By digest alone: node3 node1 node2.
        var advertisement = new Layer2Advertisement
        {
            Name = "a",
            NodeSelectors = [Given.Label("rack", "a", "b")],
            PreferredNodeSelectors = [new NodePreference(60, Given.Label("rack", "a")), new NodePreference(100, Given.Label("rack", "c"))],
        };
        var context = Given.Context with
        {
            Nodes = [Given.Node("node1", ("rack", "a")), Given.Node("node2", ("rack", "b"), ("nic", "fast")), Given.Node("node3", ("rack", "c"))],
            Advertisements = [advertisement, new Layer2Advertisement { Name = "b", NodeSelectors = [Given.Label("rack", "b")], PreferredNodeSelectors = [new NodePreference(30, Given.Label("nic", "fast"))] }],
        };
        Assert.Equal("node1", Given.Plan(Given.Service("192.168.100.240"), context).Election.Winner);
        var other = new Layer2Advertisement { Name = "c", NodeSelectors = [Given.Label("rack", "b")], PreferredNodeSelectors = [new NodePreference(31, Given.Label("nic", "fast"))] };
        var plan = Given.Plan(Given.Service("192.168.100.240"), context with { Advertisements = [.. context.Advertisements, other] });
        Assert.Equal("node2", plan.Election.Winner);
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, plan.On("node3"));
    }

    [Fact]
    public void CountsCordonedAndNotReadyNodes_AsMetalLBDoes()
    {
        var context = Given.Context with { Nodes = [Given.Node("node1") with { Ready = false, Unschedulable = true }] };
        Assert.Equal("node1", Given.Plan(Given.Service("192.168.100.240"), context).Election.Winner);
    }

    [Fact, Contract("§1.2 nodeSelectors")]
    public void TakesOnlyNodesAnAdvertisementSelects()
    {
        var context = Given.Context with
        {
            Nodes = [Given.Node("node1", ("rack", "a")), Given.Node("node2", ("rack", "b")), Given.Node("node3", ("rack", "c"))],
            Advertisements =
            [
                new Layer2Advertisement { Name = "a", NodeSelectors = [Given.Label("rack", "b"), Given.Label("rack", "x")] },
                new Layer2Advertisement { Name = "elsewhere", IPAddressPools = ["other"] },
            ],
        };
        var plan = Given.Plan(Given.Service("192.168.100.240"), context);
        Assert.Equal("node2", plan.Election.Winner);
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, plan.On("node1"));
    }

    [Fact, Contract("§2 externalTrafficPolicy"), Contract("§2 usable endpoints")]
    public void WantsALocalEndpoint_WhenThePolicyIsLocal()
    {
        var service = Given.Service("192.168.100.240") with { ExternalTrafficPolicy = TrafficPolicy.Local };
        var plan = Given.Plan(service, null, Given.Endpoint("node1", ready: false, serving: false), Given.Endpoint("node2", ready: false), Given.Endpoint("", ready: true));
        Assert.Equal("node2", plan.Election.Winner); // terminating, but still serving
        Assert.Equal(WithdrawalReason.NoLocalEndpoints, plan.On("node1"));
        Assert.Equal(WithdrawalReason.NoLocalEndpoints, plan.On("node3"));
    }

    [Fact]
    public void DoesNotDependOnTheOrderOfItsInputs() =>
        Gen.Select(Gen.Shuffle(new[] { 0, 1, 2 }), Gen.Int[240, 249]).Sample((order, last) =>
        {
            var service = Given.Service($"192.168.100.{last}");
            var shuffled = Given.Context with { Nodes = [.. order.Select(i => Given.Context.Nodes[i])] };
            Assert.Equal(Given.Plan(service), Given.Plan(service, shuffled));
        });
}
