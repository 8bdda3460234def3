using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Which Service addresses and node ports are in use. Follows the store, so it is right after a restart and after any deletion.</summary>
internal sealed class ServiceAllocations
{
    /// <param name="networks">One, or one of each family: the first is the cluster's preferred.</param>
    /// <param name="firstPort">Of the node ports.</param>
    /// <param name="lastPort">Of the node ports.</param>
    public ServiceAllocations(IReadOnlyList<IPNetwork> networks, int firstPort, int lastPort)
    {
        Families = [.. networks.Select(n => new ServiceAddresses(n))];
        var ports = (uint)(lastPort - firstPort + 1);
        Ports = new((uint)firstPort, (uint)lastPort, Math.Min(Math.Max(16, ports / 32), 128));
        PortRange = $"{firstPort}-{lastPort}";
    }

    /// <summary>The cluster's IP families, the preferred first.</summary>
    public IReadOnlyList<ServiceAddresses> Families { get; }
    public NumberPool Ports { get; }
    public string PortRange { get; }

    public ServiceAddresses? Family(string? name) => Families.FirstOrDefault(f => f.Family == name);

    public void Follow(ObjectStore store)
    {
        foreach (var service in store.List("services", null).Objects) Own(service, (pool, number) => pool.Add(number));
        store.Committed += e =>
        {
            if (e.New.Resource != "services") return;
            // First the new, then the old: a number kept is never free in between.
            if (!e.Deleted) Own(e.New, (pool, number) => pool.Add(number));
            if (e.Old is { } old) Own(old, (pool, number) => pool.Release(number));
        };
    }

    /// <summary>The node ports of a Service, each once, the health check's included.</summary>
    public static IEnumerable<uint> PortsOf(JsonObject? spec)
    {
        var ports = (spec?["ports"] as JsonArray ?? []).OfType<JsonObject>().Select(p => p.Whole("nodePort") ?? 0).Append(spec.Whole("healthCheckNodePort") ?? 0);
        return ports.Where(p => p is > 0 and <= 65535).Select(p => (uint)p).Distinct();
    }

    // On the store's writer thread, for every change of a Service: reads only what it needs, and makes no objects of it.
    private void Own(StoredObject service, Action<NumberPool, uint> act)
    {
        var reader = new Utf8JsonReader(service.Json, StoredJson.Reader);
        if (!reader.MoveToMember("spec"u8) || reader.TokenType != JsonTokenType.StartObject) return;
        var ports = new HashSet<uint>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("clusterIPs"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.StartArray) continue;
                while (reader.Read() && reader.TokenType == JsonTokenType.String)
                    foreach (var family in Families)
                        if (family.TryParse(reader.GetString(), out var number))
                            act(family.Pool, number);
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

        foreach (var number in ports) act(Ports, number);

        void Note(ref Utf8JsonReader value)
        {
            if (value.TokenType == JsonTokenType.Number && value.TryGetUInt32(out var number) && number is > 0 and <= 65535) ports.Add(number);
        }
    }
}
