using System.Text.Json;
using System.Text.Json.Serialization;

using Portolan.Lab.Network;

namespace Portolan.Lab.Supervision;

/// <summary>What a lab was asked to be; its file is written last when a lab is made, so a lab without one is half made.</summary>
/// <param name="Nodes">How many.</param>
/// <param name="Portolan">Whether controller and speaker were to be installed.</param>
internal sealed record LabSpec(int Nodes, bool Portolan)
{
    public Topology Topology(LabLayout layout) => new(layout, Nodes);

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
