using System.Globalization;
using System.Text;

namespace Portolan.Bench.Proxy.Packets;

/// <summary>
/// The leanest rules that somebody could write by hand for a fleet: a front leads straight to the chain for its number of endpoints, which looks the
/// endpoint up under the front's own key. Two lookups a connection; every endpoint is stored once for each front. Affinity remembers a client's
/// endpoint at a front, in one more map; source ranges are one set of all of them. Packets' marks are used, and left used.
/// </summary>
internal static class LeanRules
{
    public const string Table = "lean";
    private const string Client = "ip saddr . ip daddr . meta l4proto . th dport";

    /// <summary>A file for <c>nft -f</c>.</summary>
    public static string Of(Fleet fleet)
    {
        var count = fleet.Endpoints;
        var isAffine = fleet.AffinitySeconds > 0;
        var choose = isAffine
            ? $"meta mark set {Client} map @affinity goto remembered; goto fresh"
            : $"dnat ip to ip daddr . meta l4proto . th dport . numgen random mod {count} map @endpoints";
        var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $$"""
            table ip {{Table}} {
              map fronts { type ipv4_addr . inet_proto . inet_service : verdict; }
              map nodeports { type inet_proto . inet_service : verdict; }
              map endpoints { typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : {{(isAffine ? "meta mark" : "ip daddr . th dport")}}; }
              map nodeport-endpoints { typeof meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; }
              set hairpins { type ipv4_addr . ipv4_addr; }
              set ranges { type ipv4_addr . inet_proto . inet_service . ipv4_addr; flags interval; }
              chain prerouting { type nat hook prerouting priority -100; jump services; }
              chain output { type nat hook output priority -100; jump services; }
              chain postrouting {
                type nat hook postrouting priority 100
                meta mark & 0x4000 != 0 goto hide
                ip saddr . ip daddr @hairpins masquerade fully-random
              }
              chain services {
                ip daddr . meta l4proto . th dport vmap @fronts
                fib daddr type local meta l4proto . th dport vmap @nodeports
              }
              chain hide { meta mark set meta mark xor 0x4000; masquerade fully-random; }
              {{(isAffine ? Affinity(fleet) : "")}}
              chain keep-{{count}} {
                {{choose}}
              }
              chain hide-{{count}} {
                {{(fleet.HasSourceRanges ? "ip daddr . meta l4proto . th dport . ip saddr != @ranges drop" : "")}}
                meta mark set meta mark or 0x4000
                goto keep-{{count}}
              }
              chain node-{{count}} { meta mark set meta mark or 0x4000; dnat ip to meta l4proto . th dport . numgen random mod {{count}} map @nodeport-endpoints; }
            }
            """);
        var protocol = fleet.Protocol.ToString().ToLowerInvariant();
        AddElements(text, "fronts", Services().SelectMany(service => (string[])
        [
            $"{Fleet.ClusterIP(service)} . {protocol} . {Fleet.Port} : goto keep-{count}",
            $"{Fleet.Vip(service)} . {protocol} . {Fleet.Port} : goto hide-{count}",
        ]));
        AddElements(text, "nodeports", Services().Select(service => $"{protocol} . {Fleet.NodePort(service)} : goto node-{count}"));
        AddElements(text, "endpoints", Slots().SelectMany(slot => (string[])
        [
            $"{Fleet.ClusterIP(slot.Service)} . {protocol} . {Fleet.Port} . {slot.Number} : {(isAffine ? Id(slot.Service, slot.Number) : slot.Endpoint)}",
            $"{Fleet.Vip(slot.Service)} . {protocol} . {Fleet.Port} . {slot.Number} : {(isAffine ? Id(slot.Service, slot.Number) : slot.Endpoint)}",
        ]));
        if (isAffine)
            AddElements(text, "servers", Slots().Select(slot => $"{Id(slot.Service, slot.Number)} : {slot.Endpoint}"));
        AddElements(text, "nodeport-endpoints", Slots().Select(slot => $"{protocol} . {Fleet.NodePort(slot.Service)} . {slot.Number} : {slot.Endpoint}"));
        AddElements(text, "hairpins", Slots().Where(slot => slot.Number % 3 == 0).Select(slot => fleet.Endpoint(slot.Service, slot.Number)).Select(pod => $"{pod} . {pod}"));
        if (fleet.HasSourceRanges)
            AddElements(text, "ranges", Services().SelectMany(service => Fleet.SourceRanges(service).Select(range => $"{Fleet.Vip(service)} . {protocol} . {Fleet.Port} . {range}")));
        return text.ToString();

        string Id(int service, int number) => ((service * count) + number + 1).ToString(CultureInfo.InvariantCulture);
        IEnumerable<int> Services() => Enumerable.Range(0, fleet.Services);
        IEnumerable<(int Service, int Number, string Endpoint)> Slots() => Services().SelectMany(service =>
            Enumerable.Range(0, count).Select(number => (service, number, $"{fleet.Endpoint(service, number)} . {Fleet.EndpointPort}")));
    }

    // A remembered endpoint that is gone has no address any more: another is drawn, and remembered in its place.
    private static string Affinity(Fleet fleet) => string.Create(CultureInfo.InvariantCulture, $$"""
        map servers { type mark : ipv4_addr . inet_service; }
        map affinity { type ipv4_addr . ipv4_addr . inet_proto . inet_service : mark; flags dynamic, timeout; size 1048576; timeout {{fleet.AffinitySeconds}}s; }
        chain remembered {
          update @affinity { {{Client}} : meta mark }
          meta l4proto {{fleet.Protocol.ToString().ToLowerInvariant()}} dnat ip to meta mark map @servers
          delete @affinity { {{Client}} : meta mark }
          goto fresh
        }
        chain fresh {
          meta mark set ip daddr . meta l4proto . th dport . numgen random mod {{fleet.Endpoints}} map @endpoints
          update @affinity { {{Client}} : meta mark }
          meta l4proto {{fleet.Protocol.ToString().ToLowerInvariant()}} dnat ip to meta mark map @servers
        }
        """);

    private static void AddElements(StringBuilder text, string set, IEnumerable<string> elements) =>
        text.Append("add element ip ").Append(Table).Append(' ').Append(set).Append(" { ").AppendJoin(", ", elements).AppendLine(" }");
}
