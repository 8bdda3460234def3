using System.Text.Json;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Proxy;

/// <summary>Prints the forwarding table as <c>ipvsadm -l</c> does, or as JSON.</summary>
internal sealed class VirtualServerPrinter
{
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

    internal void Print(IReadOnlyList<KernelVirtualServer> servers, TextWriter output)
    {
        output.WriteLine("IP Virtual Server version 1.2.1 (size=4096)");
        output.WriteLine("Prot LocalAddress:Port Scheduler Flags");
        output.WriteLine("  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn");
        foreach (var server in servers)
        {
            output.WriteLine($"{Name(server.Protocol),-4} {At(server.Address, server.Port, server.Protocol)} {KernelVirtualServer.Scheduler}");
            foreach (var real in server.RealServers)
                output.WriteLine($"  -> {At(real.Server.Address, real.Server.Port, server.Protocol),-28} {"Masq",-7} {1,-6} {real.ActiveConnections,-10} {real.InactiveConnections,-10}");
        }
    }

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
            json.WriteString("scheduler", KernelVirtualServer.Scheduler);
            json.WriteStartArray("realServers");
            foreach (var real in server.RealServers)
            {
                json.WriteStartObject();
                json.WriteString("address", real.Server.Address.ToString());
                json.WriteNumber("port", real.Server.Port);
                json.WriteString("forward", "Masq");
                json.WriteNumber("weight", 1);
                json.WriteNumber("activeConnections", real.ActiveConnections);
                json.WriteNumber("inactiveConnections", real.InactiveConnections);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        output.WriteByte((byte)'\n');
    }

    private static string Name(Protocol protocol) => protocol.ToString().ToUpperInvariant();

    private string At(IpAddress address, ushort port, Protocol protocol)
    {
        var host = address.IsIPv4 ? address.ToString() : $"[{address}]";
        return _portNames.TryGetValue((protocol, port), out var name) ? $"{host}:{name}" : $"{host}:{port}";
    }
}
