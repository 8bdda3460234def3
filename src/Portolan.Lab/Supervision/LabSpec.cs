using System.Text.Json;
using System.Text.Json.Serialization;

namespace Portolan.Lab.Supervision;

/// <summary>What a lab was asked to be; its file is written last when a lab is made, so a lab without one is half made.</summary>
/// <param name="Nodes">How many.</param>
/// <param name="Portolan">Whether controller and speaker were to be installed.</param>
internal sealed record LabSpec(int Nodes, bool Portolan)
{
    public static LabSpec? Read(LabLayout layout)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(layout.SpecPath), SupervisionJson.Default.LabSpec);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    public void Write(LabLayout layout)
    {
        var temporary = layout.SpecPath + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(this, SupervisionJson.Default.LabSpec));
        File.Move(temporary, layout.SpecPath, overwrite: true);
    }
}

/// <summary>One process the supervisor keeps alive.</summary>
/// <param name="Name">Names its log: <c>apiserver</c>, <c>controllers</c>, <c>node1</c>…</param>
/// <param name="Host">In whose network namespace it runs.</param>
/// <param name="Pid">0 while it is not running.</param>
/// <param name="Restarts">How often it came back.</param>
/// <param name="State"><c>running</c>, <c>restarting</c> or <c>off</c>.</param>
internal sealed record ProcessStatus(string Name, string Host, int Pid, int Restarts, string State);

/// <summary>What the command line asks of the supervisor, a line of JSON over its socket.</summary>
/// <param name="Verb"><c>status</c>, <c>kill</c> or <c>start</c>.</param>
/// <param name="Host">For <c>kill</c> and <c>start</c>.</param>
internal sealed record ControlRequest(string Verb, string? Host = null);

/// <param name="Error">Null when it was done.</param>
/// <param name="Port">The API server's loopback port.</param>
/// <param name="Off">Hosts without power.</param>
/// <param name="Processes">In the order they were started.</param>
internal sealed record ControlReply(string? Error, int Port, IReadOnlyList<string> Off, IReadOnlyList<ProcessStatus> Processes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LabSpec))]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
internal sealed partial class SupervisionJson : JsonSerializerContext;
