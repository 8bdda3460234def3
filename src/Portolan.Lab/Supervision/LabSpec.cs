using System.Text.Json;
using System.Text.Json.Serialization;

using Portolan.Lab.Network;

namespace Portolan.Lab.Supervision;

/// <summary>What a lab was asked to be; its file is written last when a lab is made, so a lab without one is half made.</summary>
/// <param name="Nodes">How many.</param>
/// <param name="Portolan">Whether controller and speaker were to be installed.</param>
/// <param name="DualStack">Whether hosts, pods and Services have IPv6 addresses, too.</param>
internal sealed record LabSpec(int Nodes, bool Portolan, bool DualStack = false)
{
    /// <summary>
    /// Seconds of silence after which a node is not Ready. Real clusters wait 40 s, for networks that lose packets; a lab's wires lose none,
    /// and nobody who kills a node there wants to wait so long. The agents renew their leases every two seconds.
    /// </summary>
    public int NodeMonitorGracePeriod { get; init; } = 8;

    /// <summary>Seconds after which the pods of a node that is not Ready leave it, where they don't say themselves.</summary>
    public int PodEvictionTimeout { get; init; } = 300;

    /// <summary>How Portolan announces: <c>layer2</c>, or <c>bgp</c> to the router.</summary>
    public string Protocol { get; init; } = "layer2";

    /// <summary>Whether the router speaks BGP.</summary>
    [JsonIgnore]
    public bool HasBgp => Protocol == "bgp";

    /// <summary>How the nodes forward Services: <c>nftables</c>, or <c>ipvs</c>.</summary>
    public string Proxy { get; init; } = "nftables";

    /// <summary>Whether the nodes forward by IPVS.</summary>
    [JsonIgnore]
    public bool HasIpvs => Proxy == "ipvs";

    /// <summary>In how many zones the nodes stand, in turn; 0: none is told.</summary>
    public int Zones { get; init; }

    /// <summary>The zone of the node of that number, from 1; null without zones.</summary>
    public string? ZoneOf(int node) => Zones == 0 ? null : $"zone{(node - 1) % Zones + 1}";

    public Topology Topology(LabLayout layout) => new(layout, Nodes, DualStack);

    public static LabSpec? Read(LabLayout layout)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(layout.SpecPath), LabSpecJson.Default.LabSpec);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    public void Write(LabLayout layout)
    {
        var temporary = layout.SpecPath + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(this, LabSpecJson.Default.LabSpec));
        File.Move(temporary, layout.SpecPath, overwrite: true);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LabSpec))]
internal sealed partial class LabSpecJson : JsonSerializerContext;
