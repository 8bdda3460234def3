using Portolan.Core.Addresses;
using Portolan.Core.Announcements;

namespace Portolan.Core.Tests.Announcements;

/// <summary><c>announceFrom: all</c>: who answers, and whom.</summary>
public sealed class AnnounceFromAllTests
{
    private static readonly IpAddress Address = IpAddress.Parse("192.168.100.240");
    private static readonly AnnouncementContext All = Given.Context with { Policies = [new AnnouncementPolicy { Name = "spread", AnnounceFrom = AnnounceFrom.All }] };

    [Fact]
    public void EveryNodeThatMayAnnounceAnswers_TheOthersSayWhy()
    {
        var plan = Given.Plan(Given.Service("192.168.100.240"), All with { LivingSpeakers = new HashSet<string> { "node1", "node3" } });
        Assert.Equal(["node1", "node3"], plan.Answering.Select(answering => answering.Node));
        Assert.Equal((WithdrawalReason.None, WithdrawalReason.NoSpeaker, WithdrawalReason.None), (plan.On("node1"), plan.On("node2"), plan.On("node3")));
        Assert.Empty(Given.Plan(Given.Service("192.168.100.240")).Answering); // not asked for
        Assert.Null(Given.Plan(Given.Service("192.168.100.240")).ChoiceFor(Address));
    }

    [Fact]
    public void NodesThatAreLessWellDoNotAnswer_UnlessAllAreAsIll()
    {
        Assert.Equal(["node2", "node3"], Answering(("node1", NodeConditions.Draining)));
        Assert.Equal(["node1"], Answering(("node2", NodeConditions.NoCarrier), ("node3", NodeConditions.GatewayUnreachable)));
        Assert.Equal(["node1", "node2", "node3"], Answering(("node1", NodeConditions.GatewayUnreachable), ("node2", NodeConditions.GatewayUnreachable), ("node3", NodeConditions.GatewayUnreachable)));
    }

    [Fact]
    public void EachNodeAnswersOnTheInterfacesOfTheAdvertisementsThatSelectIt()
    {
        var plan = Given.Plan(Given.Service("192.168.100.240"), All with
        {
            Nodes = [Given.Node("node1", ("rack", "a")), Given.Node("node2", ("rack", "b")), Given.Node("node3", ("rack", "c"))],
            Advertisements =
            [
                new Layer2Advertisement { Name = "a", NodeSelectors = [Given.Label("rack", "a")], Interfaces = ["eth0"] },
                new Layer2Advertisement { Name = "b", NodeSelectors = [Given.Label("rack", "b")], Interfaces = ["eth1"] },
            ],
        });
        Assert.Equal(["eth0"], plan.InterfacesOn("node1"));
        Assert.Equal(["eth1"], plan.InterfacesOn("node2"));
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, plan.On("node3"));
    }

    [Fact]
    public void ClientsAreSpreadEvenly_AndEachAddressInAnotherWay()
    {
        var nodes = Enumerable.Range(1, 10).Select(i => $"node{i}").ToList();
        var (one, other) = (new ClientChoice(Address, nodes), new ClientChoice(IpAddress.Parse("192.168.100.241"), nodes));
        var clients = Clients(10_000);
        Assert.All(clients.GroupBy(one.Of), group => Assert.InRange(group.Count(), 850, 1150));
        Assert.Equal(10, clients.Select(one.Of).Distinct().Count());
        Assert.InRange(clients.Count(client => one.Of(client) == other.Of(client)), 850, 1150);

        // One router before everything: its addresses are spread.
        var router = clients[0];
        Assert.Equal(10, Enumerable.Range(1, 200).Select(i => new ClientChoice(IpAddress.Parse($"10.9.0.{i}"), nodes).Of(router)).Distinct().Count());
    }

    [Fact]
    public void ANodeThatGoesTakesOnlyItsOwnClientsAlong()
    {
        string[] nodes = ["node1", "node2", "node3", "node4"];
        var before = new ClientChoice(Address, nodes);
        var after = new ClientChoice(Address, nodes.Where(node => node != "node2").Reverse());
        var heirs = new Dictionary<string, int>();
        foreach (var client in Clients(4_000))
        {
            var (was, now) = (before.Nodes[before.Of(client)], after.Nodes[after.Of(client)]);
            if (was == "node2")
                heirs[now] = heirs.GetValueOrDefault(now) + 1;
            else
                Assert.Equal(was, now);
        }

        Assert.Equal(["node1", "node3", "node4"], heirs.Keys.Order());
        Assert.All(heirs.Values, count => Assert.InRange(count, 250, 420));
        Assert.Equal(-1, new ClientChoice(Address, []).Of(1));
    }

    private static IEnumerable<string> Answering(params (string Node, NodeConditions Conditions)[] ill) =>
        Given.Plan(Given.Service("192.168.100.240"), All with { Reports = ill.ToDictionary(entry => entry.Node, entry => new NodeReport { Conditions = entry.Conditions }) })
            .Answering.Select(answering => answering.Node);

    // As vendors number them: one after the other.
    private static List<ulong> Clients(int count) => [.. Enumerable.Range(1, count).Select(i => 0x5254_0000_0000UL + (ulong)i)];
}
