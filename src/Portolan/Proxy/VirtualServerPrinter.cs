using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Linux.Ipvs;

namespace Portolan.Proxy;

/// <summary>Prints the forwarding table as <c>ipvsadm -l</c> does, or as JSON.</summary>
internal sealed class VirtualServerPrinter
{
    private const string Version = "IP Virtual Server version 1.2.1 (size=4096)";
    private const int WidestServer = 28;
    private static readonly string Uncounted = string.Concat(Enumerable.Repeat($"{"-",9}", 4));
    private readonly Dictionary<(Protocol, ushort), string> _portNames = [];

    /// <param name="services">Lines of <c>/etc/services</c> that name ports; null prints numbers.</param>
    internal VirtualServerPrinter(IEnumerable<string>? services)
    {
        foreach (var line in services ?? [])
        {
            var fields = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 2 && fields[1].Split('/') is [var number, var name] && ushort.TryParse(number, out var port) && Enum.TryParse<Protocol>(name, ignoreCase: true, out var protocol))
                _portNames.TryAdd((protocol, port), fields[0]);
        }
    }

    /// <summary>As <c>ipvsadm -ln</c> does. Where open connections were not counted their columns say so.</summary>
    internal void Print(IReadOnlyList<KernelVirtualServer> servers, TextWriter output)
    {
        output.WriteLine(Version);
        output.WriteLine("Prot LocalAddress:Port Scheduler Flags");
        output.WriteLine("  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn");
        foreach (var server in servers)
        {
            output.WriteLine($"{Front(server)} {server.Scheduler}{Flags(server)}");
            foreach (var real in server.RealServers)
                output.WriteLine($"  -> {Real(real, server.Protocol),-28} {Name(real.Forwarding),-7} {real.Weight,-6} {Count(real.Open?.Active),-10} {Count(real.Open?.Inactive),-10}");
        }
    }

    /// <summary>As <c>ipvsadm -Sn</c> does: lines that <c>ipvsadm -R</c> takes.</summary>
    internal void PrintRules(IReadOnlyList<KernelVirtualServer> servers, TextWriter output)
    {
        foreach (var server in servers)
        {
            var service = server.Ipvs!;
            var front = service.Key.FirewallMark != 0
                ? $"-f {service.Key.FirewallMark}{(server.Address.IsIPv4 ? "" : " -6")}"
                : $"{server.Protocol switch { Protocol.Tcp => "-t", Protocol.Udp => "-u", _ => "--sctp-service" }} {At(server.Address, server.Port, server.Protocol)}";
            var persistence = server.PersistentSeconds > 0 ? string.Create(CultureInfo.InvariantCulture, $" -p {server.PersistentSeconds}") : "";
            var mask = persistence.Length > 0 && Mask(service) is { } narrow ? $" -M {narrow}" : "";
            var engine = service.PersistenceEngine.Length > 0 ? $" pe {service.PersistenceEngine}" : "";
            var onePacket = service.Flags.HasFlag(IpvsServiceFlags.OnePacket) ? " -o" : "";
            var flags = SchedulerFlags(service) is { Length: > 0 } some ? $" -b {some}" : "";
            output.WriteLine($"-A {front} -s {service.Scheduler}{persistence}{mask}{engine}{onePacket}{flags}");
            foreach (var real in server.RealServers)
                output.WriteLine($"-a {front} -r {At(real.Server.Address, real.Server.Port, server.Protocol)} {Switch(real.Forwarding)} -w {real.Weight}{Tunnel(real.Ipvs!)}");
        }
    }

    private static string Flags(KernelVirtualServer server)
    {
        var persistent = server.PersistentSeconds > 0 ? string.Create(CultureInfo.InvariantCulture, $" persistent {server.PersistentSeconds}") : "";
        if (server.Ipvs is not { } service)
            return persistent;
        var flags = SchedulerFlags(service) is { Length: > 0 } some ? $" ({some})" : "";
        var mask = persistent.Length > 0 && Mask(service) is { } narrow ? $" mask {narrow}" : "";
        var engine = service.PersistenceEngine.Length > 0 ? $" pe {service.PersistenceEngine}" : "";
        return $"{flags}{persistent}{mask}{engine}{(service.Flags.HasFlag(IpvsServiceFlags.OnePacket) ? " ops" : "")}";
    }

    // Null: the whole address, which goes without saying.
    private static string? Mask(IpvsService service) => service.Key.Family is AddressFamily.InterNetworkV6
        ? service.PrefixLength == 128 ? null : $"{service.PrefixLength}"
        : service.PrefixLength == 32 ? null : $"{IpPrefix.Containing(IpAddress.V4(uint.MaxValue), service.PrefixLength).Address}";

    private static string SchedulerFlags(IpvsService service)
    {
        var names = service.Scheduler is "sh" or "mh" ? ($"{service.Scheduler}-fallback", $"{service.Scheduler}-port") : ("flag-1", "flag-2");
        return string.Join(',', new[]
        {
            service.Flags.HasFlag(IpvsServiceFlags.Scheduler1) ? names.Item1 : null,
            service.Flags.HasFlag(IpvsServiceFlags.Scheduler2) ? names.Item2 : null,
            service.Flags.HasFlag(IpvsServiceFlags.Scheduler3) ? "flag-3" : null,
        }.OfType<string>());
    }

    private static string Name(IpvsForwarding forwarding) => forwarding switch
    {
        IpvsForwarding.Local => "Local", IpvsForwarding.Tunnel => "Tunnel", IpvsForwarding.Direct => "Route", _ => "Masq",
    };

    private static string Switch(IpvsForwarding forwarding) => forwarding switch
    {
        IpvsForwarding.Tunnel => "-i", IpvsForwarding.Direct => "-g", _ => "-m",
    };

    private static string Tunnel(IpvsServer server) => (server.Forwarding, server.TunnelType) switch
    {
        (not IpvsForwarding.Tunnel, _) => "",
        (_, 1) => $" --tun-type gue --tun-port {server.TunnelPort} {Checksum(server)}",
        (_, 2) => $" --tun-type gre {Checksum(server)}",
        _ => " --tun-type ipip",
    };

    private static string Checksum(IpvsServer server) => server.TunnelFlags switch { 1 => "--tun-csum", 2 => "--tun-remcsum", _ => "--tun-nocsum" };

    // ipvsadm's columns are narrower than an IPv6 address can be.
    private string Real(KernelRealServer real, Protocol protocol)
    {
        var text = At(real.Server.Address, real.Server.Port, protocol);
        return real.Server.Address.IsIPv4 || text.Length <= WidestServer ? text : text[..WidestServer];
    }

    /// <summary>As <c>ipvsadm -ln --stats</c> does. What is not counted is <c>-</c>.</summary>
    internal void PrintStatistics(IReadOnlyList<KernelVirtualServer> servers, TextWriter output)
    {
        output.WriteLine(Version);
        output.WriteLine($"{"Prot LocalAddress:Port",-33}{"Conns",9}{"InPkts",9}{"OutPkts",9}{"InBytes",9}{"OutBytes",9}");
        output.WriteLine("  -> RemoteAddress:Port");
        foreach (var server in servers)
        {
            output.WriteLine($"{Front(server),-33}{Large(server.RealServers.Aggregate(0UL, (sum, real) => sum + real.Connections))}{Columns(Sum(server.RealServers))}");
            foreach (var real in server.RealServers)
                output.WriteLine($"  -> {Real(real, server.Protocol),-28}{Large(real.Connections)}{Columns(real.Traffic)}");
        }
    }

    /// <summary>The same for programs.</summary>
    internal static void PrintJson(IReadOnlyList<KernelVirtualServer> servers, Stream output)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        json.WriteStartArray();
        foreach (var server in servers)
        {
            json.WriteStartObject();
            json.WriteString("protocol", Name(server.Protocol));
            json.WriteString("address", server.Address.ToString());
            json.WriteNumber("port", server.Port);
            json.WriteBoolean("nodePort", server.IsNodePort);
            json.WriteString("scheduler", server.Scheduler);
            if (server.PersistentSeconds > 0)
                json.WriteNumber("persistentSeconds", server.PersistentSeconds);
            json.WriteStartArray("realServers");
            foreach (var real in server.RealServers)
            {
                json.WriteStartObject();
                json.WriteString("address", real.Server.Address.ToString());
                json.WriteNumber("port", real.Server.Port);
                json.WriteString("forward", Name(real.Forwarding));
                json.WriteNumber("weight", real.Weight);
                json.WriteNumber("connections", real.Connections);
                if (real.Traffic is { } traffic)
                {
                    json.WriteNumber("inPackets", traffic.InPackets);
                    json.WriteNumber("outPackets", traffic.OutPackets);
                    json.WriteNumber("inBytes", traffic.InBytes);
                    json.WriteNumber("outBytes", traffic.OutBytes);
                }

                if (real.Open is { } open)
                {
                    json.WriteNumber("activeConnections", open.Active);
                    json.WriteNumber("inactiveConnections", open.Inactive);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        output.WriteByte((byte)'\n');
    }

    private static string Count(int? connections) => connections?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static Traffic? Sum(IEnumerable<KernelRealServer> servers) => servers.Aggregate((Traffic?)default(Traffic), (sum, real) => sum + real.Traffic);

    private static string Columns(Traffic? traffic) =>
        traffic is { } counted ? Large(counted.InPackets) + Large(counted.OutPackets) + Large(counted.InBytes) + Large(counted.OutBytes) : Uncounted;

    // As print_largenum of ipvsadm does.
    private static string Large(ulong number) => number switch
    {
        < 100_000_000 => $"{number,9}",
        < 1_000_000_000 => $"{number / 1000,8}K",
        < 100_000_000_000 => $"{number / 1_000_000,8}M",
        < 100_000_000_000_000 => $"{number / 1_000_000_000,8}G",
        _ => $"{number / 1_000_000_000_000,8}T",
    };

    private string Front(KernelVirtualServer server) => server.Ipvs is { Key.FirewallMark: not 0 and var mark } ? $"FWM  {mark}{(server.Address.IsIPv4 ? "" : " IPv6")}" : $"{Name(server.Protocol),-4} {At(server.Address, server.Port, server.Protocol)}";

    private static string Name(Protocol protocol) => protocol.ToString().ToUpperInvariant();

    private string At(IpAddress address, ushort port, Protocol protocol)
    {
        var host = address.IsIPv4 ? address.ToString() : $"[{address}]";
        return _portNames.TryGetValue((protocol, port), out var name) ? $"{host}:{name}" : $"{host}:{port}";
    }
}
