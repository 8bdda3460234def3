using System.Text.Json;
using System.Text.Json.Serialization;
using Portolan.Core.Cluster;

namespace Portolan.Proxy.Health;

/// <summary>What a health check port answers, kube-proxy's fields in kube-proxy's order.</summary>
/// <param name="Service">Whose port it is.</param>
/// <param name="LocalEndpoints">Ready endpoints on this node.</param>
/// <param name="ServiceProxyHealthy">No change waits too long for the kernel.</param>
internal sealed record HealthCheckAnswer(
    [property: JsonPropertyOrder(0)] HealthCheckedService Service,
    [property: JsonPropertyOrder(1)] int LocalEndpoints,
    [property: JsonPropertyOrder(2)] bool ServiceProxyHealthy)
{
    // Load balancers that weigh their nodes read it (KEP-4212).
    private const string WeightHeader = "X-Load-Balancing-Endpoint-Weight";

    /// <summary>200 where a connection that arrives here finds an endpoint, 503 where not, or where that is not certain.</summary>
    internal static ProbeAnswer Of(ObjectKey service, int localEndpoints, bool isProxyHealthy) =>
        new(localEndpoints > 0 && isProxyHealthy ? 200 : 503, ProbeAnswer.Json,
            JsonSerializer.Serialize(new HealthCheckAnswer(new HealthCheckedService(service.Namespace, service.Name), localEndpoints, isProxyHealthy), HealthCheckJson.Default.HealthCheckAnswer))
        {
            Header = (WeightHeader, localEndpoints),
        };
}

/// <summary>Namespace and name of a Service.</summary>
internal sealed record HealthCheckedService(string Namespace, string Name);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n")]
[JsonSerializable(typeof(HealthCheckAnswer))]
internal sealed partial class HealthCheckJson : JsonSerializerContext;
