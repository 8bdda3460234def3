using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

public sealed class AddressPoolTests
{
    [Theory]
    [InlineData("10.0.0.9-10.0.0.1", "range ends before it starts")]
    [InlineData("10.0.0.1", "a single address is written 10.0.0.1/32")]
    [InlineData("fd00::1", "a single address is written fd00::1/128")]
    [InlineData("10.0.0.0/33", "the prefix length must be 0..32")]
    [InlineData("10.0.0.1-fd00::1", "range starts and ends in different address families")]
    [InlineData("10.0.0.1-", "the end of the range is not an IP address")]
    [InlineData("x-10.0.0.1", "the start of the range is not an IP address")]
    [InlineData("10.0.0/24", "the part before '/' is not an IP address")]
    [InlineData("", "must be a CIDR block or a range start-end")]
    public void RefusesWithPathAndRule(string text, string rule)
    {
        var errors = new List<FieldError>();
        Assert.Null(AddressPool.Parse(Given.Pool("p", "10.9.0.0/24", text), errors));
        Assert.Equal(text.Length == 0 ? $"spec.addresses[1]: {rule}" : $"spec.addresses[1]: {text}: {rule}", Assert.Single(errors).ToString());
    }

    [Theory]
    [InlineData("192.168.100.240-192.168.100.249", "192.168.100.240-192.168.100.249")]
    [InlineData("192.168.100.240 - 192.168.100.249", "192.168.100.240-192.168.100.249")]
    [InlineData("10.0.0.77/24", "10.0.0.0-10.0.0.255")]
    [InlineData("fd00::/126", "fd00::-fd00::3")]
    public void ReadsBlocksAndRanges(string text, string expected)
    {
        Assert.Null(IpRange.Parse(text, out var range));
        Assert.Equal(expected, range.ToString());
    }

    [Fact]
    public void RefusesOverlapWithinItself()
    {
        var errors = new List<FieldError>();
        Assert.Null(AddressPool.Parse(Given.Pool("p", "10.0.0.0/24", "10.0.0.255-10.0.1.3"), errors));
        Assert.Equal("spec.addresses[1]: 10.0.0.255-10.0.1.3: overlaps 10.0.0.0-10.0.0.255 of the same pool", Assert.Single(errors).ToString());
    }

    [Fact]
    [Contract("§1.1 serviceAllocation.namespaceSelectors")]
    public void SelectorThatMatchesNoNamespace_AdmitsNobody()
    {
        var pool = Given.Pools(Given.Pool("p", "10.0.0.0/24") with { NamespaceSelectors = [Given.Selector("team", "red")] }).Pools[0];
        var service = Given.Service("web");
        Assert.False(pool.Admits(service, null));
        Assert.False(pool.Admits(service, new Dictionary<string, string> { ["team"] = "blue" }));
        Assert.True(pool.Admits(service, new Dictionary<string, string> { ["team"] = "red" }));
    }

    [Fact]
    [Contract("§1.1 serviceAllocation.namespaces")]
    [Contract("§1.1 serviceAllocation.namespaceSelectors")]
    public void NamespacesAndTheirSelectorsAreUnited()
    {
        var pool = Given.Pools(Given.Pool("p", "10.0.0.0/24") with { Namespaces = ["shop", "bank"], NamespaceSelectors = [Given.Selector("team", "red"), Given.Selector("team", "green")] }).Pools[0];
        var service = Given.Service("web");
        Assert.True(pool.Admits(service with { Key = new ObjectKey("bank", "web") }, new Dictionary<string, string>()));
        Assert.True(pool.Admits(service, new Dictionary<string, string> { ["team"] = "green" }));
        Assert.False(pool.Admits(service, new Dictionary<string, string> { ["team"] = "blue" }));
        Assert.True(pool.IsPinned);
    }

    [Fact]
    [Contract("§1.1 empty serviceAllocation")]
    public void AnAllocationThatNamesNobodyIsForEverybody()
    {
        var pool = Given.Pools(Given.Pool("p", "10.0.0.0/24") with { Priority = 7 }).Pools[0];
        Assert.True(pool.Admits(Given.Service("web"), null));
        Assert.Equal((false, 7), (pool.IsPinned, pool.Rank));
    }

    [Fact]
    [Contract("§1.1 serviceAllocation.serviceSelectors")]
    public void ServiceSelectorAndNamespaceMustBothMatch()
    {
        var pool = Given.Pools(Given.Pool("p", "10.0.0.0/24") with { Namespaces = ["default"], ServiceSelectors = [Given.Selector("tier", "web"), Given.Selector("tier", "api")] }).Pools[0];
        var service = Given.Service("web");
        Assert.False(pool.Admits(service, null));
        Assert.True(pool.Admits(service with { Labels = new Dictionary<string, string> { ["tier"] = "api" } }, null));
    }
}
