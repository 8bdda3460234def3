using Portolan.Proxy.Cleanup;

namespace Portolan.Tests.Proxy.Cleanup;

/// <summary>The real <c>iptables</c> and <c>nft</c> write what kube-proxy and others leave; afterwards only the others' is there, to the byte.</summary>
public sealed class KubeProxyLeftoversTests : IDisposable
{
    private const string EmptyMangle = "*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n";
    private readonly NetworkNamespace _node;
    private readonly RecordedLog _log = new();

    public KubeProxyLeftoversTests()
    {
        NetworkNamespace.SkipUnlessRoot();
        _node = new NetworkNamespace("leftovers");
    }

    public void Dispose() => _node.Dispose();

    private static readonly (string, int, string, int)[] _services = [("10.8.0.1", 80, "10.9.0.2", 8080), ("10.8.0.2", 443, "10.9.0.3", 8443)];
    private static readonly (string, int, string, int)[] _servicesV6 = [("fd00:8::1", 80, "fd00:9::2", 8080)];

    // The legacy variant is a choice of the kernel's builder.
    private static void SkipWithout(string variant) => Assert.SkipUnless(
        variant != "legacy" || NetworkNamespace.Succeeds("iptables-legacy", "-L -n"), "this kernel has no legacy iptables");

    private void Restore(string program, string rules)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, rules);
        _node.RunInside(program, $"--noflush {file}");
        File.Delete(file);
    }

    // Both make these jumps; here the kubelet was first.
    private static string WithoutKubelet(string rules) => string.Join('\n', rules.Split('\n').Where(line => !line.EndsWith("PUT -j KUBE-FIREWALL", StringComparison.Ordinal)));

    private bool Remove() => _node.Inside(() =>
    {
        using var leftovers = new KubeProxyLeftovers([], _log);
        return leftovers.Remove();
    });

    // Chains and rules, without the dates; nft prints everything there is.
    private string Saved(string program) => string.Join('\n', _node.RunInside(program, "").Split('\n').Where(line => !line.StartsWith('#')));

    private string Ruleset() => _node.RunInside("nft", "list ruleset");

    public static TheoryData<string> Variants => ["nft", "legacy"];

    [Theory]
    [MemberData(nameof(Variants))]
    [Contract("proxy §1.9-1")]
    [Contract("proxy §1.9-2")]
    public void RemovesKubeProxysChains_AndLeavesTheRestToTheByte(string variant)
    {
        SkipWithout(variant);
        var (v4, v6) = ($"iptables-{variant}", $"ip6tables-{variant}");
        Restore(v4 + "-restore", KubeProxyRules.Others(false) + KubeProxyRules.Kubelet(false));
        Restore(v6 + "-restore", KubeProxyRules.Others(true) + KubeProxyRules.Kubelet(true));
        var before = (Saved(v4 + "-save"), Saved(v6 + "-save"), Ruleset());

        Restore(v4 + "-restore", WithoutKubelet(KubeProxyRules.Iptables(false, _services)));
        Restore(v6 + "-restore", WithoutKubelet(KubeProxyRules.Iptables(true, _servicesV6)));
        Assert.Contains("KUBE-SVC-0000000000000001", Saved(v4 + "-save"), StringComparison.Ordinal);
        Assert.True(Remove(), string.Join('\n', _log.Lines));
        Assert.Equal(before.Item1, Saved(v4 + "-save"));
        Assert.Equal(before.Item2, Saved(v6 + "-save"));
        Assert.Equal(before.Item3, Ruleset());

        // Who forwards, and what accepted it, is said once.
        Assert.Equal(2, _log.Lines.Count(line => line.Contains("--ctstate DNAT,RELATED,ESTABLISHED -j ACCEPT", StringComparison.Ordinal)));
        _log.Lines.Clear();
        Assert.True(Remove());
        Assert.Empty(_log.Lines);
    }

    /// <summary>More chains than go in one transaction.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void RemovesTheChainsOfManyServices(string variant)
    {
        SkipWithout(variant);
        Restore($"iptables-{variant}-restore", KubeProxyRules.Others(false));
        var before = Saved($"iptables-{variant}-save");
        Restore($"iptables-{variant}-restore", WithoutKubelet(KubeProxyRules.Iptables(
            false, [.. Enumerable.Range(0, 600).Select(i => ($"10.8.{i / 256}.{i % 256}", 80, $"10.9.{i / 256}.{i % 256}", 8080))])).Replace("KUBE-FIREWALL", "KUBE-PROXY-FIREWALL", StringComparison.Ordinal)
            .Replace(":KUBE-KUBELET-CANARY - [0:0]\n", "", StringComparison.Ordinal).Replace(":KUBE-IPTABLES-HINT - [0:0]\n", "", StringComparison.Ordinal));
        Assert.True(Remove(), string.Join('\n', _log.Lines));
        Assert.Contains(_log.Lines, line => line.Contains("removed kube-proxy's 1205 chains", StringComparison.Ordinal));
        // An empty mangle table is left of those that iptables made on the way.
        Assert.Equal(before, Saved($"iptables-{variant}-save").Replace(EmptyMangle, "", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void LeavesAChainThatSomebodyElseUses(string variant)
    {
        SkipWithout(variant);
        Restore($"iptables-{variant}-restore", KubeProxyRules.Iptables(false, _services));
        _node.RunInside($"iptables-{variant}", "-t nat -N CNI-HOSTPORT-SETMARK");
        _node.RunInside($"iptables-{variant}", "-t nat -A CNI-HOSTPORT-SETMARK -j KUBE-MARK-MASQ");
        Assert.True(Remove(), string.Join('\n', _log.Lines));
        var saved = Saved($"iptables-{variant}-save");
        Assert.Contains("-A CNI-HOSTPORT-SETMARK -j KUBE-MARK-MASQ", saved, StringComparison.Ordinal);
        Assert.Contains("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000", saved, StringComparison.Ordinal);
        Assert.DoesNotContain("KUBE-SERVICES", saved, StringComparison.Ordinal);
        Assert.Contains(_log.Lines, line => line.Contains("KUBE-MARK-MASQ", StringComparison.Ordinal) && line.Contains("a rule in CNI-HOSTPORT-SETMARK", StringComparison.Ordinal));
    }

    /// <summary>Counters of the rules that stay, and the policies, are somebody's bookkeeping.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void KeepsTheOthersCounters(string variant)
    {
        SkipWithout(variant);
        Restore($"iptables-{variant}-restore", KubeProxyRules.Iptables(false, _services));
        _node.RunInside($"iptables-{variant}", "-A OUTPUT -d 127.0.0.9 -j ACCEPT");
        _node.RunInside("ping", "-c 3 -i 0.01 127.0.0.9");
        Assert.True(Remove(), string.Join('\n', _log.Lines));
        Assert.Contains("[3:252] -A OUTPUT -d 127.0.0.9/32 -j ACCEPT", _node.RunInside($"iptables-{variant}-save", "-c -t filter"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    [Contract("proxy §1.9-1")]
    public void RemovesWhatTheIpvsModeLeft(string variant)
    {
        SkipWithout(variant);
        foreach (var set in (string[])["KUBE-LOAD-BALANCER hash:ip,port", "KUBE-IPVS-IPS hash:ip", "KUBE-6-NODE-PORT-LOCAL-SCTP-HAS hash:ip,port family inet6", "MY-OWN hash:ip"])
            _node.RunInside("ipset", "create " + set);
        _node.RunInside("ipset", "add KUBE-LOAD-BALANCER 192.0.2.240,tcp:80");
        _node.Link("link add kube-ipvs0 type bridge"); // not every kernel has dummy links
        _node.Link("addr add 10.8.0.1/32 dev kube-ipvs0");
        Restore($"iptables-{variant}-restore", KubeProxyRules.Others(false));
        var before = Saved($"iptables-{variant}-save");
        Restore($"iptables-{variant}-restore", KubeProxyRules.Ipvs);
        Assert.True(Remove(), string.Join('\n', _log.Lines));
        Assert.Equal(before, Saved($"iptables-{variant}-save"));
        Assert.Equal("MY-OWN\n", _node.RunInside("ipset", "list -n"));
        Assert.DoesNotContain("kube-ipvs0", _node.RunInside("ip", "link"), StringComparison.Ordinal);
    }

    [Fact]
    public void SaysWhatItCannotRemove_AndGoesOn()
    {
        _node.RunInside("ipset", "create KUBE-CLUSTER-IP hash:ip,port");
        _node.RunInside("ipset", "create KUBE-EXTERNAL-IP hash:ip,port");
        _node.RunInside("iptables-nft", "-A INPUT -m set --match-set KUBE-CLUSTER-IP dst,dst -j DROP"); // somebody else's rule
        Assert.False(Remove());
        Assert.Equal("KUBE-CLUSTER-IP\n", _node.RunInside("ipset", "list -n"));
        Assert.Contains(_log.Lines, line => line.StartsWith("Warning: left behind by kube-proxy, and not removed: destroy ipset KUBE-CLUSTER-IP", StringComparison.Ordinal));
    }

    [Fact]
    [Contract("proxy §1.9-1")]
    [Contract("proxy §1.9-2")]
    public void RemovesKubeProxysOwnTables_AndNobodyElses()
    {
        _node.RunInside("nft", "add table inet firewalld");
        _node.RunInside("nft", "add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }");
        _node.RunInside("nft", "add rule inet firewalld filter_FORWARD ct state established,related accept");
        _node.RunInside("nft", "add rule inet firewalld filter_FORWARD ct status dnat accept");
        _node.RunInside("nft", "add table ip kube-proxy-of-mine");
        var before = Ruleset();
        foreach (var family in (string[])["ip", "ip6"])
        {
            _node.RunInside("nft", $"add table {family} kube-proxy");
            _node.RunInside("nft", $"add chain {family} kube-proxy services");
            _node.RunInside("nft", $"add map {family} kube-proxy service-ips {{ type {(family == "ip" ? "ipv4_addr" : "ipv6_addr")} . inet_proto . inet_service : verdict ; }}");
            _node.RunInside("nft", $"add element {family} kube-proxy service-ips {{ {(family == "ip" ? "10.8.0.1" : "fd00:8::1")} . tcp . 80 : goto services }}");
        }

        Assert.True(Remove(), string.Join('\n', _log.Lines));
        Assert.Equal(before, Ruleset());
    }
}
