using System.Text;

namespace Portolan.Tests.Proxy.Cleanup;

/// <summary>Rules as kube-proxy, the kubelet, Docker and firewalld leave them in iptables, in <c>iptables-save</c>'s form. Every Service leads to one endpoint.</summary>
internal static class KubeProxyRules
{
    /// <summary>kube-proxy's iptables mode.</summary>
    /// <param name="isV6">IPv6 instead of IPv4.</param>
    /// <param name="services">Address and port of each, and of its endpoint.</param>
    internal static string Iptables(bool isV6, params (string Address, int Port, string Endpoint, int EndpointPort)[] services)
    {
        var rules = new StringBuilder($$"""
            *mangle
            :KUBE-IPTABLES-HINT - [0:0]
            :KUBE-KUBELET-CANARY - [0:0]
            :KUBE-PROXY-CANARY - [0:0]
            COMMIT
            *filter
            :KUBE-EXTERNAL-SERVICES - [0:0]
            :KUBE-FIREWALL - [0:0]
            :KUBE-FORWARD - [0:0]
            :KUBE-KUBELET-CANARY - [0:0]
            :KUBE-NODEPORTS - [0:0]
            :KUBE-PROXY-CANARY - [0:0]
            :KUBE-PROXY-FIREWALL - [0:0]
            :KUBE-SERVICES - [0:0]
            -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
            -A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
            -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
            -A INPUT -j KUBE-FIREWALL
            -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
            -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
            -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
            -A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
            -A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A OUTPUT -j KUBE-FIREWALL
            -A KUBE-FIREWALL {{(isV6 ? "-s ::1" : "! -s 127.0.0.0/8 -d 127.0.0.0/8")}} -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
            -A KUBE-FORWARD -m conntrack --ctstate INVALID -m nfacct --nfacct-name ct_state_invalid_dropped_pkts -j DROP
            -A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
            -A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            COMMIT
            *nat
            :KUBE-KUBELET-CANARY - [0:0]
            :KUBE-MARK-MASQ - [0:0]
            :KUBE-NODEPORTS - [0:0]
            :KUBE-POSTROUTING - [0:0]
            :KUBE-PROXY-CANARY - [0:0]
            :KUBE-SERVICES - [0:0]

            """.Replace(" -m nfacct --nfacct-name ct_state_invalid_dropped_pkts", "", StringComparison.Ordinal));
        for (var i = 0; i < services.Length; i++)
            rules.AppendLine($":{Name("SVC", i)} - [0:0]").AppendLine($":{Name("SEP", i)} - [0:0]");
        rules.Append("""
            -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
            -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
            -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
            -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
            -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully

            """);
        var host = isV6 ? 128 : 32;
        for (var i = 0; i < services.Length; i++)
        {
            var (address, port, endpoint, endpointPort) = services[i];
            rules.AppendLine($"-A KUBE-SERVICES -d {address}/{host} -p tcp -m comment --comment \"ns/s{i}:http cluster IP\" -m tcp --dport {port} -j {Name("SVC", i)}");
            rules.AppendLine($"-A {Name("SVC", i)} -m comment --comment \"masquerade traffic for ns/s{i}:http\" -j KUBE-MARK-MASQ");
            rules.AppendLine($"-A {Name("SVC", i)} -m comment --comment \"ns/s{i}:http -> {endpoint}\" -j {Name("SEP", i)}");
            rules.AppendLine($"-A {Name("SEP", i)} -s {endpoint}/{host} -m comment --comment \"ns/s{i}:http\" -j KUBE-MARK-MASQ");
            rules.AppendLine($"-A {Name("SEP", i)} -p tcp -m comment --comment \"ns/s{i}:http\" -m tcp -j DNAT --to-destination {(isV6 ? $"[{endpoint}]" : endpoint)}:{endpointPort}");
        }

        rules.AppendLine("""-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS""");
        return rules.AppendLine("COMMIT").ToString();

        static string Name(string kind, int number) => $"KUBE-{kind}-{number:D16}";
    }

    /// <summary>What of the above is the kubelet's.</summary>
    internal static string Kubelet(bool isV6) => $"""
        *mangle
        :KUBE-IPTABLES-HINT - [0:0]
        :KUBE-KUBELET-CANARY - [0:0]
        COMMIT
        *filter
        :KUBE-FIREWALL - [0:0]
        :KUBE-KUBELET-CANARY - [0:0]
        -A INPUT -j KUBE-FIREWALL
        -A OUTPUT -j KUBE-FIREWALL
        -A KUBE-FIREWALL {(isV6 ? "-s ::1" : "! -s 127.0.0.0/8 -d 127.0.0.0/8")} -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
        COMMIT
        *nat
        :KUBE-KUBELET-CANARY - [0:0]
        COMMIT

        """;

    /// <summary>kube-proxy's ipvs mode, which keeps its addresses in ipsets.</summary>
    internal const string Ipvs = """
        *filter
        :KUBE-FORWARD - [0:0]
        :KUBE-IPVS-FILTER - [0:0]
        :KUBE-IPVS-OUT-FILTER - [0:0]
        :KUBE-NODE-PORT - [0:0]
        :KUBE-PROXY-FIREWALL - [0:0]
        :KUBE-SOURCE-RANGES-FIREWALL - [0:0]
        -A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
        -A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
        -A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
        -A FORWARD -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
        -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
        -A OUTPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-OUT-FILTER
        -A KUBE-IPVS-FILTER -m set --match-set KUBE-LOAD-BALANCER dst,dst -j RETURN
        -A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT --reject-with icmp-port-unreachable
        -A KUBE-PROXY-FIREWALL -m comment --comment "Kubernetes service load balancer ip + port for load balancer with sourceRange" -m set --match-set KUBE-LOAD-BALANCER dst,dst -j KUBE-SOURCE-RANGES-FIREWALL
        -A KUBE-SOURCE-RANGES-FIREWALL -j DROP
        COMMIT
        *nat
        :KUBE-LOAD-BALANCER - [0:0]
        :KUBE-MARK-MASQ - [0:0]
        :KUBE-NODE-PORT - [0:0]
        :KUBE-POSTROUTING - [0:0]
        :KUBE-SERVICES - [0:0]
        -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
        -A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ
        -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
        -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
        -A KUBE-POSTROUTING -j MASQUERADE --random-fully
        -A KUBE-SERVICES -m set --match-set KUBE-LOAD-BALANCER dst,dst -j KUBE-LOAD-BALANCER
        -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT
        COMMIT

        """;

    /// <summary>Docker's rules, with the policy it gives FORWARD, and an administrator's own; before and behind kube-proxy's.</summary>
    internal static string Others(bool isV6, string forwardPolicy = "DROP")
    {
        var (net, admin, host) = isV6 ? ("fd00:17::/64", "2001:db8::4", "2001:db8::4/128") : ("172.17.0.0/16", "1.2.3.4", "1.2.3.4/32");
        return $"""
            *filter
            :FORWARD {forwardPolicy} [0:0]
            :DOCKER - [0:0]
            :DOCKER-ISOLATION-STAGE-1 - [0:0]
            :DOCKER-ISOLATION-STAGE-2 - [0:0]
            :DOCKER-USER - [0:0]
            -A INPUT -s {admin} -m comment --comment "someone's own" -j DROP
            -A FORWARD -j DOCKER-USER
            -A FORWARD -j DOCKER-ISOLATION-STAGE-1
            -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            -A FORWARD -o docker0 -j DOCKER
            -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
            -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
            -A DOCKER-ISOLATION-STAGE-1 -j RETURN
            -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
            -A DOCKER-USER -s {host} -g DOCKER-ISOLATION-STAGE-2
            -A DOCKER-USER -j RETURN
            COMMIT
            *nat
            :DOCKER - [0:0]
            -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
            -A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER
            -A POSTROUTING -s {net} ! -o docker0 -j MASQUERADE
            -A DOCKER -i docker0 -j RETURN
            COMMIT

            """;
    }
}
