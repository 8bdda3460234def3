using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>A Deployment's condition Progressing: whether it moves, has arrived, or has not moved for <c>progressDeadlineSeconds</c>. Pure.</summary>
internal static class DeploymentProgress
{
    private const string Arrived = "NewReplicaSetAvailable";
    private const string TimedOut = "ProgressDeadlineExceeded";
    private const string Paused = "DeploymentPaused";

    /// <summary>No progress is asked for (the field's largest value says so).</summary>
    private const long NoDeadline = int.MaxValue;

    /// <returns>The condition, or null where no deadline is set.</returns>
    public static JsonObject? Next(UntypedObject deployment, UntypedObject? current, JsonObject status, DateTimeOffset now)
    {
        if (deployment.Json.Number("spec", "progressDeadlineSeconds") is not { } deadline || deadline == NoDeadline)
            return null;
        var before = deployment.Condition("Progressing");
        var name = current is null ? $"Deployment \"{deployment.Metadata.Name}\"" : $"ReplicaSet \"{current.Metadata.Name}\"";
        var wanted = deployment.Json.Number("spec", "replicas") ?? 1;
        if (deployment.Json.Flag("spec", "paused"))
            return before.Text("reason") is TimedOut ? Kept() : Make("Unknown", Paused, "Deployment is paused");
        if (before.Text("reason") == Paused)
            return Make("Unknown", "DeploymentResumed", "Deployment is resumed");
        if (status.Number("updatedReplicas") == wanted && status.Number("replicas") == wanted && status.Number("availableReplicas") == wanted)
            return Make("True", Arrived, $"{name} has successfully progressed.");
        if (before is null)
            return Make("True", "NewReplicaSetCreated", current is null ? "Deployment is progressing." : $"Created new replica set \"{current.Metadata.Name}\"");
        // It had arrived, and only lost pods since: that is not a rollout.
        if (before.Text("reason") == Arrived && status.Number("replicas") == status.Number("updatedReplicas"))
            return Kept();
        if (HasMoved(deployment.Json["status"], status, wanted))
            return Moved();
        return before.Text("reason") == TimedOut || Deadline(deadline, before) <= now ? Make("False", TimedOut, $"{name} has timed out progressing.") : Kept();

        JsonObject Kept() => (JsonObject)before!.DeepClone();

        JsonObject Make(string value, string reason, string message) => Conditions.Next(deployment, "Progressing", value, reason, message, now, withUpdateTime: true);

        JsonObject Moved()
        {
            var moved = Make("True", "ReplicaSetUpdated", $"{name} is progressing.");
            moved["lastUpdateTime"] = now.Timestamp();      // the deadline counts from the last step
            return moved;
        }
    }

    /// <summary>When the rollout that a status shows will have taken too long; null when none is under way.</summary>
    public static DateTimeOffset? Deadline(long? deadline, JsonObject status)
    {
        if (deadline is null or NoDeadline || status.Objects("conditions").FirstOrDefault(c => c.Text("type") == "Progressing") is not { } condition)
            return null;
        return condition.Text("reason") is Arrived or TimedOut or Paused ? null : Deadline(deadline.Value, condition);
    }

    private static DateTimeOffset Deadline(long deadline, JsonObject condition) =>
        DateTimeOffset.TryParse(condition.Text("lastUpdateTime"), out var since) ? since.AddSeconds(deadline) : DateTimeOffset.MaxValue;

    private static bool HasMoved(JsonNode? before, JsonObject now, long wanted)
    {
        long Before(string field) => before.Number(field) ?? 0;
        long Now(string field) => now.Number(field) ?? 0;
        return Now("updatedReplicas") > Before("updatedReplicas")
            || Now("replicas") - Now("updatedReplicas") < Before("replicas") - Before("updatedReplicas")
            || Now("readyReplicas") > Before("readyReplicas")
            || Now("availableReplicas") > Before("availableReplicas")
            || (before.Number("observedGeneration") < now.Number("observedGeneration") && Now("updatedReplicas") < wanted);
    }
}
