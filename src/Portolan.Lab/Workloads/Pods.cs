using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <summary>Reading Pods.</summary>
internal static class Pods
{
    public static string Phase(this UntypedObject pod) => pod.Json.Text("status", "phase") ?? "Pending";

    public static string NodeName(this UntypedObject pod) => pod.Json.Text("spec", "nodeName") ?? "";

    public static bool IsFinished(this UntypedObject pod) => pod.Phase() is "Succeeded" or "Failed";

    /// <summary>Counts for whoever wants a number of pods.</summary>
    public static bool IsActive(this UntypedObject pod) => !pod.IsFinished() && !pod.IsDeleting();

    public static bool IsReady(this UntypedObject pod) => pod.HasCondition("Ready");

    /// <summary>Ready for at least <paramref name="minReadySeconds"/>.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="minReadySeconds">0 or more.</param>
    /// <param name="now">The time.</param>
    /// <param name="until">When it will be available, if nothing changes.</param>
    public static bool IsAvailable(this UntypedObject pod, long minReadySeconds, DateTimeOffset now, out DateTimeOffset? until)
    {
        until = null;
        if (!pod.IsReady())
            return false;
        if (minReadySeconds == 0)
            return true;
        if (!DateTimeOffset.TryParse(pod.Condition("Ready").Text("lastTransitionTime"), out var since))
            return true;
        until = since.AddSeconds(minReadySeconds);
        return until <= now;
    }

    /// <summary>A pod of a template: what ReplicaSets and DaemonSets create.</summary>
    public static UntypedObject FromTemplate(JsonNode? template, string ns, string ownerName, JsonObject ownerReference)
    {
        var metadata = (JsonObject?)template.At("metadata")?.DeepClone() ?? [];
        metadata.Remove("creationTimestamp");
        metadata.Remove("name");
        metadata["generateName"] = ownerName + "-";
        metadata["namespace"] = ns;
        metadata["ownerReferences"] = new JsonArray(ownerReference);
        return new UntypedObject(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = metadata,
            ["spec"] = template.At("spec")?.DeepClone() ?? new JsonObject(),
        });
    }
}
