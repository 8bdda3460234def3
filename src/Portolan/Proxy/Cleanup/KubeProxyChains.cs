namespace Portolan.Proxy.Cleanup;

/// <summary>
/// The chains of iptables that are kube-proxy's, in its iptables and its ipvs mode: those that its own <c>--cleanup</c> removes
/// (Kubernetes 1.36, <c>pkg/proxy/iptables/cleanup.go</c> and <c>pkg/proxy/ipvs/cleanup.go</c>), and those of older releases.
/// The kubelet's are not among them: <c>KUBE-FIREWALL</c>, <c>KUBE-KUBELET-CANARY</c>, <c>KUBE-IPTABLES-HINT</c>, <c>KUBE-MARK-DROP</c>.
/// </summary>
internal static class KubeProxyChains
{
    internal const string Filter = "filter", Nat = "nat", Mangle = "mangle";

    /// <summary>The tables of iptables that have such chains, in the order in which they are best cleaned.</summary>
    internal static readonly string[] Tables = [Nat, Filter, Mangle];

    internal const string Forward = "KUBE-FORWARD";

    private static readonly HashSet<(string Table, string Chain)> _chains =
    [
        (Nat, "KUBE-SERVICES"),
        (Nat, "KUBE-NODEPORTS"),
        (Nat, "KUBE-POSTROUTING"),
        (Nat, "KUBE-MARK-MASQ"),
        (Nat, "KUBE-PROXY-CANARY"),
        (Nat, "KUBE-NODE-PORT"), // ipvs
        (Nat, "KUBE-LOAD-BALANCER"), // ipvs
        (Filter, "KUBE-SERVICES"),
        (Filter, "KUBE-EXTERNAL-SERVICES"),
        (Filter, Forward),
        (Filter, "KUBE-NODEPORTS"),
        (Filter, "KUBE-PROXY-FIREWALL"),
        (Filter, "KUBE-PROXY-CANARY"),
        (Filter, "KUBE-NODE-PORT"), // ipvs
        (Filter, "KUBE-SOURCE-RANGES-FIREWALL"), // ipvs
        (Filter, "KUBE-IPVS-FILTER"), // ipvs
        (Filter, "KUBE-IPVS-OUT-FILTER"), // ipvs
        (Mangle, "KUBE-PROXY-CANARY"),
    ];

    // One for each Service port, endpoint, …: a prefix and 16 characters of a hash. KUBE-XLB- until 1.23.
    private static readonly string[] _prefixes = ["KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-", "KUBE-XLB-"];

    private static readonly HashSet<(string Table, string From, string To)> _jumps =
    [
        (Nat, "PREROUTING", "KUBE-SERVICES"),
        (Nat, "OUTPUT", "KUBE-SERVICES"),
        (Nat, "POSTROUTING", "KUBE-POSTROUTING"),
        (Filter, "INPUT", "KUBE-EXTERNAL-SERVICES"),
        (Filter, "FORWARD", "KUBE-EXTERNAL-SERVICES"),
        (Filter, "INPUT", "KUBE-NODEPORTS"),
        (Filter, "INPUT", "KUBE-SERVICES"), // 1.13 to 1.19
        (Filter, "FORWARD", "KUBE-SERVICES"),
        (Filter, "OUTPUT", "KUBE-SERVICES"),
        (Filter, "FORWARD", Forward),
        (Filter, "INPUT", "KUBE-PROXY-FIREWALL"),
        (Filter, "FORWARD", "KUBE-PROXY-FIREWALL"),
        (Filter, "OUTPUT", "KUBE-PROXY-FIREWALL"),
        (Filter, "INPUT", "KUBE-NODE-PORT"), // ipvs
        (Filter, "INPUT", "KUBE-IPVS-FILTER"), // ipvs
        (Filter, "OUTPUT", "KUBE-IPVS-OUT-FILTER"), // ipvs
    ];

    /// <summary>Whether a chain is kube-proxy's.</summary>
    internal static bool Contains(string table, string chain) =>
        _chains.Contains((table, chain)) || (table == Nat && Array.Exists(_prefixes, prefix => chain.StartsWith(prefix, StringComparison.Ordinal)));

    /// <summary>Whether a rule of a built-in chain that leads there is kube-proxy's own.</summary>
    internal static bool IsEntry(string table, string from, string to) => _jumps.Contains((table, from, to));
}
