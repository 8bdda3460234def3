using Portolan.Commands.Check;
using Portolan.Linux.Links;
using Portolan.Proxy.Ipvs;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>On which interfaces a node answers ARP for what others announce.</summary>
public sealed class StrictArpTests
{
    private static readonly LinkSnapshot WithIpvs = Snapshot(("lo", LinkFlags.Up | LinkFlags.Loopback), ("eth0", LinkFlags.Up), ("eth1", LinkFlags.Up), ("down0", LinkFlags.None), ("tun0", LinkFlags.Up | LinkFlags.NoArp), (ServiceLink.Name, LinkFlags.None));

    [Fact]
    public void IsNobodysBusiness_WithoutTheLink() => Assert.Empty(StrictArp.LooseInterfaces(Snapshot(("eth0", LinkFlags.Up)), (_, _) => 0));

    [Theory]
    [InlineData(0, 0, 0, 0, "eth0 eth1")]
    [InlineData(1, 2, 0, 0, "")]
    [InlineData(2, 2, 0, 0, "")]
    [InlineData(1, 1, 0, 0, "eth0 eth1")]
    [InlineData(0, 2, 1, 0, "eth1")]
    [InlineData(0, 0, 1, 2, "eth1")]
    public void TheGreaterOfTheInterfacesValueAndThatOfAllCounts(int allIgnore, int allAnnounce, int ignore, int announce, string loose) =>
        Assert.Equal(loose, string.Join(' ', StrictArp.LooseInterfaces(WithIpvs, Read(allIgnore, allAnnounce, ignore, announce))));

    [Fact]
    public void IsNamedByTheCheck()
    {
        var checks = NodeChecks.Of(WithIpvs, name => name.EndsWith("ip_forward", StringComparison.Ordinal) ? 1 : 0).ToList();
        Assert.Null(checks.Single(check => check.What == "net.ipv4.ip_forward").Problem);
        Assert.Contains("answers ARP for every Service's address on eth0, eth1", checks.Single(check => check.What == "strict ARP").Problem, StringComparison.Ordinal);
        Assert.All(NodeChecks.Of(WithIpvs, name => name.EndsWith("arp_announce", StringComparison.Ordinal) ? 2 : 1), check => Assert.Null(check.Problem));
    }

    private static Func<string, string, int?> Read(int allIgnore, int allAnnounce, int ignore, int announce) => (name, setting) => (name, setting) switch
    {
        ("all", "arp_ignore") => allIgnore,
        ("all", "arp_announce") => allAnnounce,
        ("eth0", "arp_ignore") => ignore,
        ("eth0", "arp_announce") => announce,
        _ => 0,
    };

    private static LinkSnapshot Snapshot(params (string Name, LinkFlags Flags)[] links) =>
        new(links.Select((link, index) => new Link(index + 1, link.Name, link.Flags, Link.Ethernet, default, 0, 1500, "")).ToDictionary(link => link.Index), []);
}
