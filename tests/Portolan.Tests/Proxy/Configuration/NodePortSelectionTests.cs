using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Configuration;
using static Portolan.Tests.Proxy.Configuration.OptionsFixture;

namespace Portolan.Tests.Proxy.Configuration;

public sealed class NodePortSelectionTests
{
    private static readonly NodeFacts _node = new()
    {
        Name = "node1",
        InternalIPs = [IpAddress.Parse("192.0.2.1"), IpAddress.Parse("2001:db8::1"), IpAddress.Parse("192.0.2.99")],
    };

    private static NodePortReach On(NodeFacts? node, params string[] flags) => NodeSettings.Of(Valid(FromFlags(flags)), node, IpAddress.Parse("203.0.113.9"))!.NodePorts;

    private static bool Answers(NodePortReach addresses, string address) => addresses.Prefixes.Any(prefix => prefix.Contains(IpAddress.Parse(address)));

    [Theory]
    [InlineData("--proxy-mode=nftables", "192.0.2.1/32 2001:db8::1/128", false, false)]
    [InlineData("--nodeport-addresses=primary", "192.0.2.1/32 2001:db8::1/128", false, false)]
    [InlineData("--nodeport-addresses=primary,localhost", "192.0.2.1/32 2001:db8::1/128", true, true)]
    [InlineData("--nodeport-addresses=localhost", "", true, true)]
    [InlineData("--nodeport-addresses=127.0.0.1/32,2001:db8::/64", "2001:db8::/64", true, false)]
    [InlineData("--nodeport-addresses=127.0.0.0/8,::1/128", "", true, true)]
    [InlineData("--nodeport-addresses=127.0.0.2/32,::1/128", "", false, true)]
    [InlineData("--nodeport-addresses=primary,10.0.0.0/8", "10.0.0.0/8 192.0.2.1/32 2001:db8::1/128", false, false)]
    [InlineData("--nodeport-addresses=192.0.2.0/24,2001:db8::/64", "192.0.2.0/24 2001:db8::/64", false, false)]
    [InlineData("--proxy-mode=iptables --nodeport-addresses=primary", "192.0.2.1/32 2001:db8::1/128", false, false)]
    [InlineData("--proxy-mode=iptables --nodeport-addresses=192.0.2.0/24,2001:db8::/64", "192.0.2.0/24 2001:db8::/64", false, false)]
    [InlineData("--proxy-mode=iptables --nodeport-addresses=127.0.0.0/8,2001:db8::/64 --iptables-localhost-nodeports=false", "2001:db8::/64", false, false)]
    [Contract("proxy §1.6-1")]
    public void SelectsAddresses(string flags, string prefixes, bool loopbackIPv4, bool loopbackIPv6)
    {
        var addresses = On(_node, flags.Split(' '));
        Assert.Equal(prefixes, string.Join(' ', addresses.Prefixes));
        Assert.Equal((loopbackIPv4, loopbackIPv6), (addresses.LoopbackIPv4, addresses.LoopbackIPv6));
    }

    [Theory]
    [InlineData("--nodeport-addresses=primary,localhost", "192.0.2.1 2001:db8::1")]
    [InlineData("--nodeport-addresses=127.0.0.0/8", "192.0.2.1")]
    [InlineData("--nodeport-addresses=::1/128", "2001:db8::1")]
    [InlineData("--nodeport-addresses=all", "")]
    [InlineData("--nodeport-addresses=localhost --bind-address=192.0.2.99", "192.0.2.99 2001:db8::1")]
    public void NamesTheNodesAddressForWhatIsSentToLoopback(string flags, string sources) =>
        Assert.Equal(sources, string.Join(' ', On(_node, flags.Split(' ')).LoopbackSources));

    [Fact]
    public void AnswersAtLoopbackOnlyInFamiliesThatTheNodeHas() =>
        Assert.Equal([IpAddress.Parse("203.0.113.9")], On(null, "--nodeport-addresses=localhost").LoopbackSources);

    [Theory]
    [InlineData("--proxy-mode=iptables", true)]
    [InlineData("--proxy-mode=iptables --iptables-localhost-nodeports=false", false)]
    [InlineData("--proxy-mode=iptables --nodeport-addresses=0.0.0.0/0", true)]
    [InlineData("--proxy-mode=iptables --nodeport-addresses=all", true)]
    [InlineData("--proxy-mode=ipvs", false)]
    [InlineData("--proxy-mode=ipvs --nodeport-addresses=all,localhost", true)]
    [InlineData("--nodeport-addresses=all", false)]
    [InlineData("--nodeport-addresses=0.0.0.0/0", false)]
    public void AnswersEverywhereButAtLoopback_UnlessTheModeSaysSo(string flags, bool loopbackIPv4)
    {
        var addresses = On(_node, flags.Split(' '));
        foreach (var address in (string[])["0.0.0.1", "126.255.255.255", "128.0.0.0", "203.0.113.77", "255.255.255.255", "::", "::2", "fe80::1", "2001:db8::5"])
            Assert.True(Answers(addresses, address), address);
        foreach (var address in (string[])["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"])
            Assert.False(Answers(addresses, address), address);
        Assert.Equal(loopbackIPv4, addresses.LoopbackIPv4);
    }

    [Theory]
    [InlineData("--nodeport-addresses=all", "every IPv4 address but loopback, every IPv6 address but loopback")]
    [InlineData("--proxy-mode=iptables", "every IPv4 address but loopback, every IPv6 address but loopback, 127.0.0.1")]
    [InlineData("--nodeport-addresses=primary,localhost", "192.0.2.1/32, 2001:db8::1/128, 127.0.0.1, ::1")]
    [InlineData("--nodeport-addresses=192.0.2.0/24", "192.0.2.0/24, every IPv6 address but loopback")]
    public void IsDescribedForPeople(string flag, string words) => Assert.Equal(words, On(_node, flag).ToString());

    [Fact]
    public void IsNowhere_WhenThereIsNoPrimaryAddress()
    {
        var addresses = NodeSettings.Of(Valid(FromFlags()), null, null)!.NodePorts;
        Assert.True(addresses.IsNowhere);
        Assert.Equal("no address", addresses.ToString());
    }

    [Fact]
    public void TakesAFamilyThatIsNotSpokenOfAsAWhole()
    {
        var addresses = On(_node, "--nodeport-addresses=192.0.2.0/24");
        Assert.True(Answers(addresses, "192.0.2.200"));
        Assert.False(Answers(addresses, "192.0.3.1"));
        Assert.True(Answers(addresses, "2001:db8::5"));
    }

    [Fact]
    public void TakesTheHostsAddressAsPrimary_WhereTheNodeHasNone()
    {
        Assert.Equal("203.0.113.9/32", string.Join(' ', On(null).Prefixes));
        Assert.Equal("203.0.113.9/32", string.Join(' ', On(new NodeFacts { Name = "node1" }).Prefixes));
    }

    [Theory]
    [InlineData("--bind-address=192.0.2.50", "192.0.2.50/32 2001:db8::1/128")]
    [InlineData("--bind-address=2001:db8::50", "192.0.2.1/32 2001:db8::50/128")]
    [InlineData("--bind-address=0.0.0.0", "192.0.2.1/32 2001:db8::1/128")]
    [InlineData("--bind-address=::", "192.0.2.1/32 2001:db8::1/128")]
    [Contract("proxy §1.11-6")]
    public void PrefersTheBindAddressToTheNodesOwn(string flag, string prefixes) => Assert.Equal(prefixes, string.Join(' ', On(_node, flag).Prefixes));

    [Fact]
    public void CutsLoopbackOutOfAnyBlockAndNothingElse() => Gen.Select(Gen.UInt, Gen.Int[0, 32], Gen.UInt).Sample((network, length, probe) =>
    {
        var prefix = IpPrefix.Containing(IpAddress.V4(network), length);
        var address = IpAddress.V4(length == 32 ? network : (uint)prefix.Address.Value | (probe & (uint.MaxValue >> length)));
        var selection = new NodePortSelection { Prefixes = [prefix] };
        Assert.Equal((uint)address.Value >> 24 != 127, selection.On([]).Prefixes.Count(part => part.Contains(address)) == 1);
        Assert.True(selection.On([]).Prefixes.Where(part => part.Address.IsIPv4).All(part => prefix.Contains(part.Address)));
    });
}
