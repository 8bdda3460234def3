using Portolan.Core.Addresses;
using Portolan.Speaker.Layer2;

namespace Portolan.Tests.Speaker;

/// <summary><c>announceFrom: all</c> on the wire: three nodes, one address, clients that are Linux kernels.</summary>
public sealed class SharedAddressTests
{
    private const int ClientCount = 8;

    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    public void EachClientFindsTheAddressAtItsOwnNode_AndNothingIsSaidToAll(IpFamily family)
    {
        using var lan = new SharedLan(family, 3, ClientCount);
        lan.Announce(lan.Nodes);
        foreach (var client in lan.Clients)
            Find(lan, client, lan.NodeOf(client, lan.Nodes));
        Assert.True(lan.Clients.Select(lan.Believes).Distinct().Count() > 1);
        foreach (var client in lan.Clients)
        {
            // One answer, from one node; and nothing that was meant for all.
            var frames = lan.Received(client);
            Assert.Equal([$"{lan.NodeOf(client, lan.Nodes).Name} → {client.Name}"], frames.Distinct());
        }
    }

    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    public void HeirsTellTheDeadNodesClients_AndNobodyElseHearsOfIt(IpFamily family)
    {
        using var lan = new SharedLan(family, 3, ClientCount);
        lan.Announce(lan.Nodes);
        foreach (var client in lan.Clients)
            Find(lan, client, lan.NodeOf(client, lan.Nodes));
        Settle(lan);
        var dead = lan.NodeOf(lan.Clients[0], lan.Nodes);
        var (orphans, others) = (lan.Clients.FindAll(client => lan.NodeOf(client, lan.Nodes) == dead), lan.Clients.FindAll(client => lan.NodeOf(client, lan.Nodes) != dead));
        Assert.NotEmpty(others);
        var believed = others.Select(lan.Believes).ToList();

        lan.Kill(dead);
        var left = lan.Nodes.FindAll(node => node != dead);
        lan.Announce(left);

        // No client sends anything: what they believe is changed by what they are told.
        foreach (var orphan in orphans)
            Eventually(lan, left, () => lan.Believes(orphan) == lan.NodeOf(orphan, left).Mac.ToString());
        Assert.Equal(believed, others.Select(lan.Believes));
        Assert.All(others, other => Assert.Empty(lan.Received(other)));
        Assert.All(orphans, orphan => Assert.Equal([$"{lan.NodeOf(orphan, left).Name} → {orphan.Name}"], lan.Received(orphan).Distinct()));
    }

    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    public void ANodeThatComesBackTellsItsClients_OnceTheOthersHaveSaidWhoTheyAre(IpFamily family)
    {
        using var lan = new SharedLan(family, 3, ClientCount);
        var (absent, first) = (lan.NodeOf(lan.Clients[0], lan.Nodes), lan.Nodes.ToList());
        first.Remove(absent);
        lan.Announce(first);
        foreach (var client in lan.Clients)
            Find(lan, client, lan.NodeOf(client, first));
        Settle(lan);
        var believed = lan.Clients.ToDictionary(client => client, lan.Believes);

        // It hears nothing of those who asked before it was there: they keep their nodes, which serve them.
        lan.Announce(lan.Nodes);
        Settle(lan);
        Assert.All(lan.Clients, client => Assert.Equal(believed[client], lan.Believes(client)));
        Assert.All(lan.Clients, client => Assert.Empty(lan.Received(client)));

        var (news, exchange) = (new List<byte[]>(), new SharedClientExchange(absent.Announcer, (_, _) => Assert.Fail("it has heard of nobody yet")));
        foreach (var node in first)
        {
            var told = new SharedClientExchange(node.Announcer, (part, payload) =>
            {
                Assert.Equal(0, part);
                news.Add(payload);
                exchange.Heard(node.Name, part, payload);
            });
            told.Advance(0);
            told.Advance(2_000_000); // and nothing more
        }

        Assert.Equal(ClientCount, news.Sum(payload => payload.Length) / (family is IpFamily.IPv4 ? 15 : 39));
        foreach (var client in lan.Clients)
            Eventually(lan, [], () => lan.Believes(client) == lan.NodeOf(client, lan.Nodes).Mac.ToString());
        Assert.All(lan.Clients, client => Assert.Equal(lan.NodeOf(client, lan.Nodes) == absent ? [$"{absent.Name} → {client.Name}"] : [], lan.Received(client)));

        // Said again, it is nothing new.
        exchange.Heard(first[0].Name, 0, news[0]);
        exchange.SharesChanged(lan.Nodes.Select(node => node.Name));
        Assert.All(lan.Clients, client => Assert.Empty(lan.Received(client)));
    }

    private static void Find(SharedLan lan, SharedLan.Client client, SharedLan.Node node)
    {
        lan.Send(client);
        Eventually(lan, [], () => lan.Believes(client).Length > 0);
        Assert.Equal(node.Mac.ToString(), lan.Believes(client));
    }

    // A kernel takes no second change of an entry within a second.
    private static void Settle(SharedLan lan)
    {
        Thread.Sleep(1100);
        foreach (var client in lan.Clients)
            lan.Received(client);
    }

    private static void Eventually(SharedLan lan, IReadOnlyList<SharedLan.Node> advancing, Func<bool> condition)
    {
        for (var waited = 0; !condition(); waited++)
        {
            Assert.True(waited < 500, "waited in vain");
            Thread.Sleep(20);
            lan.Advance(advancing);
        }
    }
}
