using System.Globalization;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Http;

/// <summary><c>pods/eviction</c>: a deletion that PodDisruptionBudgets may refuse.</summary>
internal sealed class EvictionSubresource(ServerContext server, ObjectUpdate update, Deletion deletion)
{
    private const string Budgets = "poddisruptionbudgets";
    private const string Refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

    /// <param name="target">The pod's eviction.</param>
    /// <param name="eviction">The body, <c>policy/v1 Eviction</c>.</param>
    /// <param name="options">Of the write.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task EvictAsync(Target target, JsonObject eviction, WriteOptions options, CancellationToken cancellation)
    {
        var stored = server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound();
        var pod = StoredForm.Parse(stored);
        if (NeedsBudget(pod))
        {
            var matching = server.Store.List($"{Budgets}.policy", target.Namespace).Objects
                .Where(b => SelectorObject.Matches(StoredForm.Parse(b)["spec"]?["selector"] as JsonObject, stored.Labels)).Select(b => b.Key.Name).ToList();
            if (matching.Count > 1)
                throw new ApiException(500, "InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
            if (matching is [var name])
                await TakeAsync(target, name, pod, options, cancellation);
        }

        await deletion.DeleteAsync(target with { Subresource = null },
            Deletion.Parse(eviction["deleteOptions"] as JsonObject, new Dictionary<string, string>()) with { DryRun = options.DryRun }, cancellation);
    }

    /// <summary>One that serves nobody, or is leaving, takes nothing from a budget.</summary>
    private static bool NeedsBudget(JsonObject pod) =>
        (pod["status"] as JsonObject).Text("phase") is not ("Succeeded" or "Failed" or "Pending") && pod["metadata"]?["deletionTimestamp"] is null;

    /// <summary>Takes one disruption from the budget, in one write: of two evictions at once the second finds it taken.</summary>
    private async Task TakeAsync(Target pod, string name, JsonObject evicted, WriteOptions options, CancellationToken cancellation)
    {
        var resource = server.Kinds.Find("policy", Budgets)!;
        var target = new Target(resource, resource.StorageKind, pod.Namespace, name, "status");
        await update.ChangeAsync(target, budget =>
        {
            var status = budget.Child("status");
            if ((status.Whole("observedGeneration") ?? 0) < ((budget["metadata"] as JsonObject).Whole("generation") ?? 0))
                throw Refuse($"The disruption budget {name} is still being processed by the server.", retryAfter: 10);
            var healthy = status.Whole("currentHealthy") ?? 0;
            var desired = status.Whole("desiredHealthy") ?? 0;
            if (!IsReady(evicted) && ((budget["spec"] as JsonObject).Text("unhealthyPodEvictionPolicy") == "AlwaysAllow" || (desired > 0 && healthy >= desired)))
                return budget;
            var allowed = status.Whole("disruptionsAllowed") ?? 0;
            if (allowed <= 0)
                throw Refuse($"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently");
            status["disruptionsAllowed"] = allowed - 1;
            status.Child("disruptedPods")[pod.Name!] = server.Clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            return budget;
        }, options with { By = null }, cancellation);
    }

    private static bool IsReady(JsonObject pod) =>
        (pod["status"]?["conditions"] as JsonArray ?? []).OfType<JsonObject>().Any(c => c.Text("type") == "Ready" && c.Text("status") == "True");

    private static ApiException Refuse(string why, int? retryAfter = null) =>
        new(429, "TooManyRequests", Refusal) { OtherCause = ("DisruptionBudget", why, null), RetryAfterSeconds = retryAfter };
}
