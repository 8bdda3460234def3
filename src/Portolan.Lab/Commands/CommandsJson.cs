using System.Text.Json.Serialization;

namespace Portolan.Lab.Commands;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LabReport))]
[JsonSerializable(typeof(LabStatus))]
internal sealed partial class CommandsJson : JsonSerializerContext;
