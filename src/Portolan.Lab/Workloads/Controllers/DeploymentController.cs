using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Moves a Deployment's pods to the ReplicaSet of its present template, a step at a time.</summary>
internal sealed class DeploymentController(ClusterCache cache, ClusterWriter writer) : Controller("deployment-controller")
{
    private readonly Claims _claims = new(cache, writer, WorkloadKinds.Deployments, WorkloadKinds.ReplicaSets);
    private readonly DeploymentSets _sets = new(cache, writer);

    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.Deployments))
            return [change.Key];
        if (change.Is(WorkloadKinds.ReplicaSets))
            return _claims.OwnersTouchedBy(change).Select(o => new ObjectKey(change.Key.Namespace, o));
        // Recreate waits for the last old pod to be gone.
        if (change.Is(WorkloadKinds.Pods) && change.New is null && change.Latest.Controller() is { Kind: "ReplicaSet", Name: { } set }
            && cache.Find(WorkloadKinds.ReplicaSets, new ObjectKey(change.Key.Namespace, set))?.Controller() is { Kind: "Deployment", Name: { } owner })
            return [new ObjectKey(change.Key.Namespace, owner)];
        return [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Deployments, key) is not { } deployment)
            return null;
        var sets = (await _claims.OfAsync(deployment, cancel).ConfigureAwait(false)).Where(s => !s.IsDeleting()).ToList();
        var current = sets.Where(s => DeploymentSets.HasTemplate(s, deployment)).OrderBy(s => s.Metadata.CreationTimestamp).FirstOrDefault();
        if (!deployment.IsDeleting())
        {
            var paused = deployment.Json.Flag("spec", "paused");
            if (current is null && !paused)
                current = await _sets.CreateAsync(deployment, sets, cancel).ConfigureAwait(false);
            var old = sets.Where(s => s.Uid() != current?.Uid()).ToList();
            if (current is not null)
                current = await _sets.KeepUpToDateAsync(deployment, current, old, cancel).ConfigureAwait(false);
            await MoveAsync(deployment, current, old, paused, cancel).ConfigureAwait(false);
        }
        return await WriteStatusAsync(key, current?.Key(), cancel).ConfigureAwait(false);
    }

    private async Task MoveAsync(UntypedObject deployment, UntypedObject? current, List<UntypedObject> old, bool paused, CancellationToken cancel)
    {
        var settings = RolloutSettings.Of(deployment);
        var facts = current is null ? null : DeploymentSets.Facts(current);
        var oldFacts = old.Select(s => settings.Recreate ? DeploymentSets.Facts(s) with { Pods = PodsOf(s) } : DeploymentSets.Facts(s)).ToList();
        IReadOnlyDictionary<string, int> change;
        if (paused || RolloutPlan.IsResized(settings, facts, oldFacts))
            change = RolloutPlan.Resize(settings, facts, oldFacts);
        else if (facts is null)
            return;
        else
            change = settings.Recreate ? RolloutPlan.Recreate(settings.Replicas, facts, oldFacts) : RolloutPlan.RollingUpdate(settings.Replicas, settings.MaxSurge, settings.MaxUnavailable, facts, oldFacts);

        foreach (var (name, number) in change)
            await _sets.ScaleAsync(deployment, settings, old.Find(s => s.Metadata.Name == name) ?? current!, number, cancel).ConfigureAwait(false);
        if (change.Count == 0 && !paused)
            await _sets.ForgetOldAsync(deployment, old, cancel).ConfigureAwait(false);
    }

    /// <summary>Those that are leaving included.</summary>
    private int PodsOf(UntypedObject set) => cache.In(WorkloadKinds.Pods, set.Metadata.Namespace!).Count(p => p.IsOwnedBy(set) && !p.IsFinished());

    private async Task<TimeSpan?> WriteStatusAsync(ObjectKey key, ObjectKey? currentKey, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Deployments, key) is not { } deployment)
            return null;
        var sets = cache.In(WorkloadKinds.ReplicaSets, key.Namespace).Where(s => s.IsOwnedBy(deployment)).ToList();
        var current = currentKey is { } present ? cache.Find(WorkloadKinds.ReplicaSets, present) : null;
        var status = DeploymentStatus.Of(deployment, current, sets, writer.Now);
        await writer.PatchStatusAsync(WorkloadKinds.Deployments, deployment, status, cancel).ConfigureAwait(false);
        return DeploymentProgress.Deadline(deployment.Json.Number("spec", "progressDeadlineSeconds"), status) - writer.Now is { } left && left > TimeSpan.Zero ? left : null;
    }
}
