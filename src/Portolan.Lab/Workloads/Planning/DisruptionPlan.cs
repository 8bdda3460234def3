using System.Text.Json.Nodes;

namespace Portolan.Lab.Workloads.Planning;

/// <param name="Expected">How many pods there should be.</param>
/// <param name="DesiredHealthy">How many of them must stay.</param>
/// <param name="CurrentHealthy">How many serve.</param>
internal readonly record struct DisruptionBudget(int Expected, int DesiredHealthy, int CurrentHealthy)
{
    /// <summary>How many may be evicted now.</summary>
    public int Allowed => Expected <= 0 ? 0 : Math.Max(0, CurrentHealthy - DesiredHealthy);
}

/// <summary>What a PodDisruptionBudget allows. Pure.</summary>
internal static class DisruptionPlan
{
    /// <summary>Kubernetes' defaults: an eviction that did not come about is forgotten after two minutes.</summary>
    public static readonly TimeSpan DisruptionTimeout = TimeSpan.FromMinutes(2);

    /// <param name="spec">The budget's spec.</param>
    /// <param name="pods">How many pods its selector picks.</param>
    /// <param name="scale">How many pods their controllers want in all; null when one of them has no controller that says a number.</param>
    /// <param name="healthy">How many serve.</param>
    public static DisruptionBudget Of(JsonNode? spec, int pods, int? scale, int healthy)
    {
        if (spec.At("maxUnavailable") is { } unavailable)
        {
            var expected = scale ?? 0;
            return new DisruptionBudget(expected, Math.Max(0, expected - unavailable.Scaled(expected, roundUp: true)), healthy);
        }
        var minimum = spec.At("minAvailable");
        if (minimum.Number() is { } number)
            return new DisruptionBudget(pods, (int)number, healthy);
        return new DisruptionBudget(scale ?? 0, minimum.Scaled(scale ?? 0, roundUp: true), healthy);
    }
}
