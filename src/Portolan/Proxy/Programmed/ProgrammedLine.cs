using System.Text.Json.Serialization;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Programmed;

/// <summary>A line of the socket: a Service, or that the list is complete. A reader leaves out fields that it does not know.</summary>
internal sealed class ProgrammedLine
{
    /// <summary>True in the one line that ends the list.</summary>
    public bool? Synced { get; set; }

    public string? Namespace { get; set; }

    public string? Name { get; set; }

    public string? Uid { get; set; }

    public string? ResourceVersion { get; set; }

    public long? Generation { get; set; }

    public bool? Programmed { get; set; }

    public int? LocalEndpoints { get; set; }

    public int? ClusterEndpoints { get; set; }

    public IReadOnlyList<string>? Addresses { get; set; }

    /// <summary>The line of a Service.</summary>
    internal static ProgrammedLine Of(ServiceForwarding service) => new()
    {
        Namespace = service.Key.Namespace,
        Name = service.Key.Name,
        Uid = service.Service?.Uid,
        ResourceVersion = service.Service?.ResourceVersion,
        Generation = service.Service?.Generation is > 0 and var generation ? generation : null,
        Programmed = service.Ports.Count > 0,
        LocalEndpoints = CountAddresses(service.Ports, port => port.Local),
        ClusterEndpoints = CountAddresses(service.Ports, port => port.Cluster),
        Addresses = service.Ports.Count == 0 ? null : Fronts(service.Ports),
    };

    /// <summary>The Service of the line, or null where it is none.</summary>
    internal ProgrammedService? ToService() => Namespace is not { Length: > 0 } || Name is not { Length: > 0 } ? null : new ProgrammedService
    {
        Key = new ObjectKey(Namespace, Name),
        Uid = Uid ?? "",
        ResourceVersion = ResourceVersion ?? "",
        Generation = Generation ?? 0,
        Programmed = Programmed ?? false,
        LocalEndpoints = LocalEndpoints ?? 0,
        ClusterEndpoints = ClusterEndpoints ?? 0,
        Addresses = Addresses ?? [],
    };

    private static int CountAddresses(IReadOnlyCollection<ServicePortPlan> ports, Func<ServicePortPlan, RealServerChoice> choice)
    {
        // Most Services have one port: its servers are sorted, so equal addresses are neighbours.
        if (ports.Count == 1)
        {
            var count = 0;
            var servers = choice(ports.First()).Servers;
            for (var i = 0; i < servers.Length; i++)
                count += i == 0 || servers[i].Address != servers[i - 1].Address ? 1 : 0;
            return count;
        }

        var addresses = new HashSet<IpAddress>();
        foreach (var port in ports)
        {
            foreach (var server in choice(port).Servers)
                addresses.Add(server.Address);
        }

        return addresses.Count;
    }

    private static List<string> Fronts(IReadOnlyCollection<ServicePortPlan> ports)
    {
        var addresses = new SortedSet<IpAddress>();
        foreach (var port in ports)
        {
            foreach (var server in port.VirtualServers)
            {
                if (!server.Front.IsNodePort)
                    addresses.Add(server.Front.Address);
            }
        }

        return [.. addresses.Select(address => address.ToString())];
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProgrammedLine))]
internal sealed partial class ProgrammedJson : JsonSerializerContext;
