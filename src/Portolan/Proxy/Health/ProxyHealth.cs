using System.Text.Json;
using System.Text.Json.Serialization;
using Portolan.Core.Addresses;

namespace Portolan.Proxy.Health;

/// <summary>How far one family's rules are behind.</summary>
/// <param name="Family">The family.</param>
/// <param name="LastUpdated">When the kernel last took what was wanted, UTC; null: never yet.</param>
/// <param name="OldestPending">For how long the oldest change has waited; null: none waits.</param>
internal readonly record struct FamilyProgress(IpFamily Family, DateTime? LastUpdated, TimeSpan? OldestPending);

/// <summary>A family's part of the answer.</summary>
/// <param name="LastUpdated">UTC.</param>
/// <param name="Healthy">No change has waited too long.</param>
internal sealed record FamilyHealth(DateTime LastUpdated, bool Healthy);

/// <summary>
/// What <c>/healthz</c> and <c>/livez</c> answer, field by field as kube-proxy 1.36 does. The node counts for <c>/healthz</c> only: restarting the proxy
/// would not cure a node that is leaving. A family is healthy until the kernel took its rules once.
/// </summary>
/// <param name="LastUpdated">The latest of the families'; the present where the answer is 200, as older releases had it.</param>
/// <param name="CurrentTime">UTC.</param>
/// <param name="NodeEligible">Load balancers may use the node; null in <c>/livez</c>.</param>
/// <param name="Healthy">Every family is healthy, whatever becomes of the node.</param>
/// <param name="Status">By family, of those that were programmed; null where none was.</param>
internal sealed record ProxyHealth(
    [property: JsonPropertyOrder(0)] DateTime LastUpdated,
    [property: JsonPropertyOrder(1)] DateTime CurrentTime,
    [property: JsonPropertyOrder(2)] bool? NodeEligible,
    [property: JsonPropertyOrder(3)] bool Healthy,
    [property: JsonPropertyOrder(4)] SortedDictionary<string, FamilyHealth>? Status)
{
    /// <summary>200 or 503.</summary>
    [JsonIgnore]
    public int StatusCode => Healthy && NodeEligible is not false ? 200 : 503;

    /// <summary>The answer at a moment.</summary>
    /// <param name="families">How far each family is.</param>
    /// <param name="node">What becomes of the node; null for <c>/livez</c>.</param>
    /// <param name="now">UTC.</param>
    /// <param name="limit">A change may wait less than this: twice the sync period.</param>
    internal static ProxyHealth Of(IEnumerable<FamilyProgress> families, NodeStanding? node, DateTime now, TimeSpan limit)
    {
        var status = new SortedDictionary<string, FamilyHealth>(StringComparer.Ordinal);
        foreach (var family in families)
        {
            if (family.LastUpdated is { } updated)
                status[family.Family.ToString()] = new FamilyHealth(updated, !(family.OldestPending >= limit));
        }

        var health = new ProxyHealth(
            status.Count == 0 ? default : status.Values.Max(family => family.LastUpdated), now, node?.IsEligible(), status.Values.All(family => family.Healthy), status.Count == 0 ? null : status);
        return health.StatusCode == 200 ? health with { LastUpdated = now } : health;
    }

    internal string ToJson() => JsonSerializer.Serialize(this, ProxyHealthJson.Default.ProxyHealth);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProxyHealth))]
internal sealed partial class ProxyHealthJson : JsonSerializerContext;
