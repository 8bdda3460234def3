using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>What a Deployment's spec says of its rollouts, percentages resolved.</summary>
/// <param name="Replicas">How many pods it wants.</param>
/// <param name="MaxSurge">How many more there may be on the way; 0 with Recreate.</param>
/// <param name="MaxUnavailable">How many of them may be missing on the way.</param>
/// <param name="Recreate">Everything old first.</param>
internal readonly record struct RolloutSettings(int Replicas, int MaxSurge, int MaxUnavailable, bool Recreate)
{
    public static RolloutSettings Of(UntypedObject deployment)
    {
        var replicas = (int)(deployment.Json.Number("spec", "replicas") ?? 1);
        var strategy = deployment.Json.At("spec", "strategy");
        if (strategy.Text("type") == "Recreate")
            return new RolloutSettings(replicas, 0, replicas, Recreate: true);
        var surge = (strategy.At("rollingUpdate", "maxSurge") ?? "25%").Scaled(replicas, roundUp: true);
        var unavailable = (strategy.At("rollingUpdate", "maxUnavailable") ?? "25%").Scaled(replicas, roundUp: false);
        // Both rounded to nothing would stand still for ever.
        return new RolloutSettings(replicas, surge, surge == 0 && unavailable == 0 ? 1 : unavailable, Recreate: false);
    }
}
