using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Portolan.Bench.Proxy.Programming;

/// <summary>
/// The ruleset that kube-proxy 1.36 makes in its nftables mode, by its published design: two chains a Service, one with an anonymous map of its
/// endpoints. The kernel binds an anonymous set to its rule by walking the transaction, which makes a large transaction quadratic and not
/// interruptible: it comes in parts.
/// </summary>
internal static class KubeProxyShape
{
    public const string Name = "kube-proxy 1.36 shape";
    private const int ServicesOfPart = 500;

    private const string Start = """
        table ip kube-proxy {
          map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
          map service-nodeports { type inet_proto . inet_service : verdict; }
          map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
          map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
          map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
          set cluster-ips { type ipv4_addr; }
          set nodeport-ips { type ipv4_addr; elements = { 192.0.2.1, 192.0.3.1 } }
          set hairpin-connections { type ipv4_addr . ipv4_addr . inet_proto . inet_service; }
          chain filter-prerouting-pre-dnat { type filter hook prerouting priority -110; ct state new jump firewall-check; }
          chain filter-output-pre-dnat { type filter hook output priority -110; ct state new jump firewall-check; }
          chain filter-input { type filter hook input priority 0; ct state new jump nodeport-endpoints-check; ct state new jump service-endpoints-check; }
          chain filter-forward { type filter hook forward priority 0; ct state new jump service-endpoints-check; ct state new jump cluster-ips-check; }
          chain filter-output { type filter hook output priority 0; ct state new jump service-endpoints-check; ct state new jump cluster-ips-check; }
          chain nat-prerouting { type nat hook prerouting priority -100; jump services; }
          chain nat-output { type nat hook output priority -100; jump services; }
          chain nat-postrouting { type nat hook postrouting priority 100; jump masquerading; }
          chain firewall-check { ip daddr . meta l4proto . th dport vmap @firewall-ips; }
          chain nodeport-endpoints-check { ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }
          chain service-endpoints-check { ip daddr . meta l4proto . th dport vmap @no-endpoint-services; }
          chain cluster-ips-check { ip daddr @cluster-ips reject; }
          chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
          chain masquerading {
            ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
            meta mark & 0x4000 == 0 return
            meta mark set meta mark xor 0x4000
            masquerade fully-random
          }
          chain services {
            ip daddr . meta l4proto . th dport vmap @service-ips
            ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
          }
        }

        """;

    /// <summary>Files for <c>nft -f</c>, to be loaded in this order.</summary>
    public static IEnumerable<string> Parts(Fleet fleet)
    {
        yield return Start;
        foreach (var services in Enumerable.Range(0, fleet.Services).Chunk(ServicesOfPart))
        {
            var text = new StringBuilder();
            foreach (var service in services)
                AddService(text, fleet, service);
            yield return text.ToString();
        }
    }

    private static void AddService(StringBuilder text, Fleet fleet, int service)
    {
        var protocol = fleet.Protocol.ToString().ToLowerInvariant();
        var path = string.Create(CultureInfo.InvariantCulture, $"bench/service-{service}/{protocol}/http");
        var name = $"{Hash(path)}-{path}";
        var endpoints = Enumerable.Range(0, fleet.Endpoints).Select(slot => fleet.Endpoint(service, slot)).ToList();
        var choice = string.Join(", ", endpoints.Select((endpoint, slot) => $"{slot} : {endpoint} . {Fleet.EndpointPort}"));
        var hairpins = string.Join(", ", endpoints.Where((_, slot) => slot % 3 == 0).Select(endpoint => $"{endpoint} . {endpoint} . {protocol} . {Fleet.EndpointPort}"));
        text.AppendLine(CultureInfo.InvariantCulture, $$"""
            add chain ip kube-proxy service-{{name}}
            add chain ip kube-proxy external-{{name}}
            add rule ip kube-proxy service-{{name}} meta l4proto {{protocol}} dnat ip to numgen random mod {{fleet.Endpoints}} map { {{choice}} }
            add rule ip kube-proxy external-{{name}} jump mark-for-masquerade
            add rule ip kube-proxy external-{{name}} goto service-{{name}}
            add element ip kube-proxy service-ips { {{Fleet.ClusterIP(service)}} . {{protocol}} . {{Fleet.Port}} : goto service-{{name}} }
            add element ip kube-proxy service-ips { {{Fleet.Vip(service)}} . {{protocol}} . {{Fleet.Port}} : goto external-{{name}} }
            add element ip kube-proxy service-nodeports { {{protocol}} . {{Fleet.NodePort(service)}} : goto external-{{name}} }
            add element ip kube-proxy cluster-ips { {{Fleet.ClusterIP(service)}} }
            add element ip kube-proxy hairpin-connections { {{hairpins}} }
            """);
    }

    private static string Hash(string path)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        return string.Concat(SHA256.HashData(Encoding.UTF8.GetBytes(path)).Take(8).Select(octet => alphabet[octet & 31]));
    }
}
