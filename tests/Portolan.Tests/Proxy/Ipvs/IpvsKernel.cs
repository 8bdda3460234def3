using Portolan.Linux.Ipvs;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>Not every kernel has IPVS: the end-to-end tests run what needs it in a virtual machine whose kernel has.</summary>
internal static class IpvsKernel
{
    internal const string Missing = "this kernel has no IPVS, or this machine no ipvsadm: eng/vm.sh has both";

    private static readonly bool Exists = NetworkNamespace.Succeeds("ipvsadm", "-ln") && File.Exists("/proc/net/ip_vs");

    /// <summary>Skips the test where there is none.</summary>
    internal static void SkipUnlessThere()
    {
        NetworkNamespace.SkipUnlessRoot();
        Assert.SkipUnless(Exists, Missing);
    }

    /// <summary>A connection inside a namespace, which gets the settings that forwarding by IPVS needs.</summary>
    internal static IpvsConnection Open(NetworkNamespace node)
    {
        node.Sysctl("net.ipv4.vs.conntrack", "1");
        node.Sysctl("net.ipv4.vs.expire_nodest_conn", "1");
        node.Sysctl("net.ipv4.vs.expire_quiescent_template", "1");
        return node.Inside(() => IpvsConnection.TryOpen())!;
    }
}
