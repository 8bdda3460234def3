using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Configuration;
using static Portolan.Tests.Proxy.Configuration.OptionsFixture;

namespace Portolan.Tests.Proxy.Configuration;

public sealed class PodDetectionTests
{
    private static PodSources? On(string[] podCidrs, params string[] flags) => NodeSettings.Of(
        Valid(FromFlags(flags)),
        new NodeFacts { Name = "node1", PodCIDRs = [.. podCidrs.Select(text => IpPrefix.TryParse(text, out var prefix) ? prefix : throw new ArgumentException(text))] },
        null)?.Pods;

    [Fact]
    public void DetectsNobody_WithoutAClusterCidr()
    {
        var pods = On([]);
        Assert.Equal(new PodSources(), pods);
        Assert.False(pods!.Detects(IpFamily.IPv4));
    }

    [Fact]
    public void DetectsByTheClusterCidrOfEachFamily()
    {
        var pods = On(["10.1.2.0/24"], "--cluster-cidr=10.0.0.0/8,fd00::/8")!;
        Assert.Equal("10.0.0.0/8 fd00::/8", string.Join(' ', pods.Cidrs));
        Assert.True(pods.Detects(IpFamily.IPv4) && pods.Detects(IpFamily.IPv6));
        Assert.False(On([], "--cluster-cidr=10.0.0.0/8")!.Detects(IpFamily.IPv6));
    }

    [Fact]
    public void WaitsForTheNodesPodCidrs()
    {
        Assert.Null(On([], "--detect-local-mode=NodeCIDR", "--cluster-cidr=10.0.0.0/8"));
        Assert.Equal("10.1.2.0/24 fd00:1::/64", string.Join(' ', On(["10.1.2.0/24", "10.1.3.0/24", "fd00:1::/64"], "--detect-local-mode=NodeCIDR")!.Cidrs));
    }

    [Fact]
    public void DetectsByInterface()
    {
        Assert.Equal(new PodSources { Bridge = "cni0" }, On([], "--detect-local-mode=BridgeInterface", "--pod-bridge-interface=cni0", "--cluster-cidr=10.0.0.0/8"));
        var pods = On([], "--detect-local-mode=InterfaceNamePrefix", "--pod-interface-name-prefix=cali")!;
        Assert.Equal(new PodSources { InterfacePrefix = "cali" }, pods);
        Assert.True(pods.Detects(IpFamily.IPv4) && pods.Detects(IpFamily.IPv6));
    }
}
