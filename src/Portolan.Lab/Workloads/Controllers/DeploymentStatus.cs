using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>What <c>kubectl get</c> and <c>kubectl rollout status</c> read. Pure.</summary>
internal static class DeploymentStatus
{
    public static JsonObject Of(UntypedObject deployment, UntypedObject? current, List<UntypedObject> sets, DateTimeOffset now)
    {
        var wanted = deployment.Json.Number("spec", "replicas") ?? 1;
        var replicas = Sum(sets, "replicas");
        var available = Sum(sets, "availableReplicas");
        var updated = current.Status("replicas");
        var unavailable = Math.Max(0, wanted - available);
        var maxUnavailable = (deployment.Json.At("spec", "strategy", "rollingUpdate", "maxUnavailable") ?? "25%").Scaled((int)wanted, roundUp: false);
        var enough = available >= wanted - maxUnavailable;
        var complete = updated == wanted && replicas == wanted && available == wanted;

        var conditions = new List<JsonNode>
        {
            Condition(deployment, "Available", enough, enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.", now),
            Condition(deployment, "Progressing", true, complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
                current is null ? "Deployment is progressing." : $"ReplicaSet \"{current.Metadata.Name}\" {(complete ? "has successfully progressed" : "is progressing")}.", now),
        };
        return new JsonObject
        {
            ["observedGeneration"] = deployment.Generation(),
            ["replicas"] = replicas,
            ["updatedReplicas"] = updated,
            ["readyReplicas"] = Sum(sets, "readyReplicas"),
            ["availableReplicas"] = available,
            ["unavailableReplicas"] = unavailable,
            ["conditions"] = conditions.ToJson(),
        };
    }

    /// <summary>A condition that says the same as before keeps its times, so that nothing is written.</summary>
    private static JsonObject Condition(UntypedObject deployment, string type, bool holds, string reason, string message, DateTimeOffset now)
    {
        var before = deployment.Condition(type);
        var status = holds ? "True" : "False";
        if (before is not null && before.Text("status") == status && before.Text("reason") == reason && before.Text("message") == message)
            return (JsonObject)before.DeepClone();
        return new JsonObject
        {
            ["type"] = type,
            ["status"] = status,
            ["reason"] = reason,
            ["message"] = message,
            ["lastUpdateTime"] = now.Timestamp(),
            ["lastTransitionTime"] = before.Text("status") == status ? before.Text("lastTransitionTime") : now.Timestamp(),
        };
    }

    private static long Sum(List<UntypedObject> sets, string field) => sets.Sum(s => s.Status(field));

    private static long Status(this UntypedObject? set, string field) => set?.Json.Number("status", field) ?? 0;
}
