using System.Text.Json.Serialization;

using Portolan.Lab.Network.Faults;

namespace Portolan.Lab.Supervision;

/// <summary>What the command line asks of the supervisor, a line of JSON over its socket.</summary>
/// <param name="Verb"><c>status</c>, or a command that breaks or mends something: <c>kill</c>, <c>start</c>, <c>cut</c>, <c>heal</c>, <c>freeze</c>, <c>thaw</c>, <c>partition</c>, <c>loss</c>, <c>heal-all</c>.</param>
/// <param name="Host">For those that concern one host.</param>
/// <param name="Partition">For <c>partition</c>: the groups.</param>
/// <param name="Loss">For <c>loss</c>.</param>
internal sealed record ControlRequest(string Verb, string? Host = null, IReadOnlyList<IReadOnlyList<string>>? Partition = null, PacketLoss? Loss = null);

/// <param name="Error">Null when it was done.</param>
/// <param name="Changed">False when it was so already.</param>
/// <param name="Port">The API server's loopback port.</param>
/// <param name="Faults">Afterwards.</param>
/// <param name="Processes">In the order they were started.</param>
internal sealed record ControlReply(string? Error, bool Changed, int Port, LabFaults Faults, IReadOnlyList<ProcessStatus> Processes);

/// <summary>One process the supervisor keeps alive.</summary>
/// <param name="Name">Names its log: <c>apiserver</c>, <c>controllers</c>, <c>node1</c>…</param>
/// <param name="Host">In whose network namespace it runs.</param>
/// <param name="Pid">0 while it is not running.</param>
/// <param name="Restarts">How often it came back.</param>
/// <param name="State"><c>running</c>, <c>restarting</c> or <c>off</c>.</param>
internal sealed record ProcessStatus(string Name, string Host, int Pid, int Restarts, string State);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
internal sealed partial class ControlProtocolJson : JsonSerializerContext;
