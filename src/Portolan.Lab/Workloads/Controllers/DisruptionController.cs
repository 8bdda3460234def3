using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Keeps what each PodDisruptionBudget allows; the API server asks it before it evicts.</summary>
internal sealed class DisruptionController(ClusterCache cache, ClusterWriter writer) : Controller("disruption-controller")
{
    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.DisruptionBudgets))
            return [change.Key];
        var budgets = cache.In(WorkloadKinds.DisruptionBudgets, change.Key.Namespace);
        if (change.Is(WorkloadKinds.Pods))
            return budgets.Where(b => Selects(b, change.Old) || Selects(b, change.New)).Select(b => b.Key());
        return change.Is(WorkloadKinds.Deployments) || change.Is(WorkloadKinds.ReplicaSets) || change.Is(WorkloadKinds.StatefulSets) ? budgets.Select(b => b.Key()) : [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.DisruptionBudgets, key) is not { } budget || budget.IsDeleting())
            return null;
        var pods = cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => Selects(budget, p) && !p.IsFinished()).ToList();
        var (disrupted, again) = Disrupted(budget, pods);
        var decision = DisruptionPlan.Of(budget.Json["spec"], pods.Count, Scale(pods), pods.Count(p => p.IsReady() && !p.IsDeleting() && !disrupted.ContainsKey(p.Metadata.Name!)));
        var allowed = decision.Allowed > 0;
        await writer.PatchStatusAsync(WorkloadKinds.DisruptionBudgets, budget, new JsonObject
        {
            ["currentHealthy"] = decision.CurrentHealthy,
            ["desiredHealthy"] = decision.DesiredHealthy,
            ["disruptionsAllowed"] = decision.Allowed,
            ["expectedPods"] = decision.Expected,
            ["disruptedPods"] = Patch(budget, disrupted),
            ["observedGeneration"] = budget.Generation(),
            ["conditions"] = new JsonArray(Conditions.Next(budget, "DisruptionAllowed", allowed ? "True" : "False", allowed ? "SufficientPods" : "InsufficientPods", "", writer.Now)),
        }, cancel).ConfigureAwait(false);
        return again;
    }

    /// <summary>Pods whose eviction was granted and that are not seen to go yet: they count as gone.</summary>
    private (Dictionary<string, string> Pods, TimeSpan? Again) Disrupted(UntypedObject budget, List<UntypedObject> pods)
    {
        TimeSpan? again = null;
        var disrupted = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, time) in budget.Json.Map("status", "disruptedPods"))
        {
            if (!DateTimeOffset.TryParse(time, out var since) || pods.Find(p => p.Metadata.Name == name) is not { } pod || pod.IsDeleting())
                continue;
            var left = since + DisruptionPlan.DisruptionTimeout - writer.Now;
            if (left <= TimeSpan.Zero)
                continue;
            disrupted[name] = time;
            again = again is null || left < again ? left : again;
        }
        return (disrupted, again);
    }

    /// <summary>For a merge patch: who is no longer there is a null.</summary>
    private static JsonObject? Patch(UntypedObject budget, Dictionary<string, string> disrupted)
    {
        var patch = disrupted.ToJson();
        foreach (var name in budget.Json.Map("status", "disruptedPods").Keys.Where(n => !disrupted.ContainsKey(n)))
            patch[name] = null;
        return patch.Count > 0 ? patch : null;
    }

    private int? Scale(List<UntypedObject> pods)
    {
        var total = 0;
        var counted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            if (ScaleOf(pod) is not { } owner)
                return null;
            if (counted.Add(owner.Uid()))
                total += (int)(owner.Json.Number("spec", "replicas") ?? 1);
        }
        return total;
    }

    /// <summary>The object that says how many pods like this there should be.</summary>
    private UntypedObject? ScaleOf(UntypedObject pod)
    {
        if (pod.Controller() is not { Name: { } name } owner)
            return null;
        var key = new ObjectKey(pod.Metadata.Namespace!, name);
        if (owner.Kind == "StatefulSet")
            return cache.Find(WorkloadKinds.StatefulSets, key);
        if (owner.Kind != "ReplicaSet" || cache.Find(WorkloadKinds.ReplicaSets, key) is not { } set)
            return null;
        return set.Controller() is { Kind: "Deployment", Name: { } deployment } ? cache.Find(WorkloadKinds.Deployments, new ObjectKey(key.Namespace, deployment)) : set;
    }

    /// <summary>An empty selector picks every pod of the namespace.</summary>
    private static bool Selects(UntypedObject budget, UntypedObject? pod) => pod is not null && LabelMatcher.Of(budget.Json.At("spec", "selector"))?.Matches(pod.Labels()) == true;
}
