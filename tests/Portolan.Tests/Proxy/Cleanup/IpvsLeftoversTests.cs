using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Proxy.Cleanup;

namespace Portolan.Tests.Proxy.Cleanup;

/// <summary>kube-proxy's virtual servers in a kernel that has IPVS. Not every kernel does: the end-to-end tests run this in a virtual machine whose kernel has it.</summary>
public sealed class IpvsLeftoversTests
{
    [Fact]
    public void RemovesKubeProxysVirtualServers_AndLeavesThoseOfExcludedRanges()
    {
        NetworkNamespace.SkipUnlessRoot();
        using var node = new NetworkNamespace("ipvs");
        Assert.SkipUnless(NetworkNamespace.Succeeds("ip", $"netns exec {node.Name} ipvsadm -ln"), "this kernel has no IPVS, or this machine no ipvsadm");
        foreach (var arguments in (string[])[
            "-A -t 10.233.0.1:443 -s rr", "-a -t 10.233.0.1:443 -r 192.0.2.1:6443 -m", "-A -u 10.233.0.3:53 -s rr", "-A -t [fd00:233::1]:443 -s rr",
            "-A -t 203.0.113.7:80 -s rr", "-A -f 7 -s rr"])
            node.RunInside("ipvsadm", arguments);

        Remove();
        Assert.Contains("10.233.0.1:443", node.RunInside("ipvsadm", "-ln"), StringComparison.Ordinal); // without the link they are nobody's that is known here

        node.Link("link add kube-ipvs0 type dummy");
        node.Link("addr add 10.233.0.1/32 dev kube-ipvs0");
        Remove();
        var left = node.RunInside("ipvsadm", "-ln");
        Assert.DoesNotContain("10.233.0.", left, StringComparison.Ordinal);
        Assert.DoesNotContain("fd00:233::1", left, StringComparison.Ordinal);
        Assert.Contains("203.0.113.7:80", left, StringComparison.Ordinal);
        Assert.Contains("FWM  7", left, StringComparison.Ordinal);
        Assert.DoesNotContain("kube-ipvs0", node.RunInside("ip", "link"), StringComparison.Ordinal);

        void Remove() => node.Inside(() =>
        {
            using var leftovers = new IpvsLeftovers([IpPrefix.Containing(IpAddress.Parse("203.0.113.0", null), 24)], NullLogger.Instance);
            leftovers.RemoveServices();
            leftovers.RemoveLink();
            return 0;
        });
    }
}
