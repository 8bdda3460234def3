using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>What <c>kubectl get</c> and <c>kubectl rollout status</c> read. Pure.</summary>
internal static class DeploymentStatus
{
    public static JsonObject Of(UntypedObject deployment, UntypedObject? current, List<UntypedObject> sets, DateTimeOffset now)
    {
        var settings = RolloutSettings.Of(deployment);
        var available = Sum(sets, "availableReplicas");
        var status = new JsonObject
        {
            ["observedGeneration"] = deployment.Generation(),
            ["replicas"] = Sum(sets, "replicas"),
            ["updatedReplicas"] = current.Status("replicas"),
            ["readyReplicas"] = Sum(sets, "readyReplicas"),
            ["availableReplicas"] = available,
            ["unavailableReplicas"] = Math.Max(0, sets.Sum(s => s.Json.Number("spec", "replicas") ?? 1) - available),
        };
        var enough = available >= settings.Replicas - (settings.Recreate ? 0 : Math.Min(settings.MaxUnavailable, settings.Replicas));
        var conditions = new List<JsonNode>
        {
            Conditions.Next(deployment, "Available", enough ? "True" : "False", enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.", now, withUpdateTime: true),
        };
        if (DeploymentProgress.Next(deployment, current, status, now) is { } progressing)
            conditions.Add(progressing);
        if (sets.OrderByDescending(s => s.Uid() == current?.Uid()).Select(s => s.Condition("ReplicaFailure")).FirstOrDefault(c => c is not null) is { } failure)
            conditions.Add(Conditions.Next(deployment, "ReplicaFailure", failure.Text("status")!, failure.Text("reason")!, failure.Text("message")!, now, withUpdateTime: true));
        status["conditions"] = conditions.ToJson();
        return status;
    }

    private static long Sum(List<UntypedObject> sets, string field) => sets.Sum(s => s.Status(field));

    private static long Status(this UntypedObject? set, string field) => set?.Json.Number("status", field) ?? 0;
}
