using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Which Service addresses and node ports are in use. Follows the store, so it is right after a restart and after any deletion.</summary>
internal sealed class ServiceAllocations
{
    public ServiceAllocations(uint firstAddress, int addressBits, int firstPort, int lastPort)
    {
        var size = 1u << addressBits;
        // Neither the network's own address nor the broadcast address.
        Addresses = new(firstAddress + 1, firstAddress + size - 2, Math.Min(Math.Max(16, size / 16), 256));
        AddressRange = $"{Dotted(firstAddress)}/{32 - addressBits}";
        var ports = (uint)(lastPort - firstPort + 1);
        Ports = new((uint)firstPort, (uint)lastPort, Math.Min(Math.Max(16, ports / 32), 128));
        PortRange = $"{firstPort}-{lastPort}";
    }

    public NumberPool Addresses { get; }
    public string AddressRange { get; }
    public NumberPool Ports { get; }
    public string PortRange { get; }

    public static string Dotted(uint address) => $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}";

    public static bool TryParse(string? text, out uint address)
    {
        address = 0;
        if (!System.Net.IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork) return false;
        Span<byte> bytes = stackalloc byte[4];
        parsed.TryWriteBytes(bytes, out _);
        address = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return true;
    }

    public void Follow(ObjectStore store)
    {
        foreach (var service in store.List("services", null).Objects) Own(service, Addresses.Add, Ports.Add);
        store.Committed += e =>
        {
            if (e.New.Resource != "services") return;
            // First the new, then the old: a number kept is never free in between.
            if (!e.Deleted) Own(e.New, Addresses.Add, Ports.Add);
            if (e.Old is { } old) Own(old, Addresses.Release, Ports.Release);
        };
    }

    /// <summary>The node ports of a Service, each once, the health check's included.</summary>
    public static IEnumerable<uint> PortsOf(JsonObject? spec)
    {
        var ports = (spec?["ports"] as JsonArray ?? []).OfType<JsonObject>().Select(p => p.Whole("nodePort") ?? 0).Append(spec.Whole("healthCheckNodePort") ?? 0);
        return ports.Where(p => p is > 0 and <= 65535).Select(p => (uint)p).Distinct();
    }

    // On the store's writer thread, for every change of a Service: reads only what it needs, and makes no objects of it.
    private static void Own(StoredObject service, Action<uint> address, Action<uint> port)
    {
        var reader = new Utf8JsonReader(service.Json);
        if (!reader.MoveToMember("spec"u8) || reader.TokenType != JsonTokenType.StartObject) return;
        var ports = new HashSet<uint>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("clusterIPs"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.StartArray) continue;
                while (reader.Read() && reader.TokenType == JsonTokenType.String)
                    if (TryParse(reader.GetString(), out var number))
                        address(number);
            }
            else if (reader.ValueTextEquals("healthCheckNodePort"u8))
            {
                reader.Read();
                Note(ref reader);
            }
            else if (reader.ValueTextEquals("ports"u8))
            {
                reader.Read();
                var depth = reader.CurrentDepth;
                while (reader.Read() && reader.CurrentDepth > depth)
                {
                    if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals("nodePort"u8)) continue;
                    reader.Read();
                    Note(ref reader);
                }
            }
            else
            {
                reader.Skip();
            }
        }

        foreach (var number in ports) port(number);

        void Note(ref Utf8JsonReader value)
        {
            if (value.TokenType == JsonTokenType.Number && value.TryGetUInt32(out var number) && number is > 0 and <= 65535) ports.Add(number);
        }
    }
}
