using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <summary>Entries of <c>status.conditions</c>.</summary>
internal static class Conditions
{
    /// <summary>The condition as it should be now: one that says the same as before keeps its times, so that nothing is written.</summary>
    /// <param name="value">Whose.</param>
    /// <param name="type">The condition.</param>
    /// <param name="status">True, False or Unknown.</param>
    /// <param name="reason">One word.</param>
    /// <param name="message">For people.</param>
    /// <param name="now">The time.</param>
    /// <param name="withUpdateTime">Deployments tell, beside when the status changed, when anything did.</param>
    public static JsonObject Next(UntypedObject value, string type, string status, string reason, string message, DateTimeOffset now, bool withUpdateTime = false)
    {
        var before = value.Condition(type);
        if (before is not null && before.Text("status") == status && before.Text("reason") == reason && before.Text("message") == message)
            return (JsonObject)before.DeepClone();
        var next = new JsonObject { ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message };
        if (withUpdateTime)
            next["lastUpdateTime"] = now.Timestamp();
        next["lastTransitionTime"] = before.Text("status") == status ? before.Text("lastTransitionTime") : now.Timestamp();
        return next;
    }
}
