using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Keeps a pod of a template on every node that admits it.</summary>
internal sealed class DaemonSetController(ClusterCache cache, ClusterWriter writer) : Controller("daemonset-controller")
{
    /// <summary>A daemon stays through what makes other pods leave; it is often what repairs it.</summary>
    private static readonly (string Key, string Effect)[] s_tolerated =
    [
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ];

    private readonly Claims _claims = new(cache, writer, WorkloadKinds.DaemonSets, WorkloadKinds.Pods);
    private readonly Revisions _revisions = new(cache, writer, WorkloadKinds.DaemonSets);

    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.DaemonSets))
            return [change.Key];
        if (change.Is(WorkloadKinds.Nodes) && (change.Old is null || change.New is null || Differs(change.Old, change.New)))
            return cache.All(WorkloadKinds.DaemonSets).Select(s => s.Key());
        if (change.Is(WorkloadKinds.Pods))
            return _claims.OwnersTouchedBy(change).Select(o => new ObjectKey(change.Key.Namespace, o));
        if (change.Is(WorkloadKinds.ControllerRevisions) && change.Latest.Controller() is { Kind: "DaemonSet", Name: { } owner })
            return [new ObjectKey(change.Key.Namespace, owner)];
        return [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.DaemonSets, key) is not { } set || set.IsDeleting())
            return null;
        var (current, revisions) = await _revisions.SyncAsync(set, cancel).ConfigureAwait(false);
        var hash = Revisions.HashOf(current);
        var minReady = set.Json.Number("spec", "minReadySeconds") ?? 0;
        var nodes = cache.All(WorkloadKinds.Nodes).Select(n => Judge(set, n)).ToList();
        var pods = (await _claims.OfAsync(set, cancel).ConfigureAwait(false)).ToDictionary(p => p.Metadata.Name!, StringComparer.Ordinal);
        var next = Availability.Of(pods.Values, minReady, writer.Now).Next;
        var facts = pods.Values.Select(p => new DaemonPod(p.Metadata.Name!, NodeOf(p), Revisions.HashOf(p) == hash, p.IsAvailable(minReady, writer.Now, out _),
            p.IsFinished(), p.IsDeleting(), p.Metadata.CreationTimestamp ?? default)).ToList();

        var decision = DaemonPlan.Of(nodes, facts, Update(set, nodes.Count(n => n.ShouldRun)));
        foreach (var name in decision.Delete)
        {
            await writer.DeleteAsync(WorkloadKinds.Pods, pods[name], cancel).ConfigureAwait(false);
            await writer.TellAsync(WorkloadKinds.DaemonSets, set, Name, "Normal", "SuccessfulDelete", $"Deleted pod: {name}", cancel).ConfigureAwait(false);
        }
        foreach (var node in decision.Create)
        {
            var created = await writer.CreateAsync(WorkloadKinds.Pods, PodFor(set, node, hash), cancel).ConfigureAwait(false);
            await writer.TellAsync(WorkloadKinds.DaemonSets, set, Name, "Normal", "SuccessfulCreate", $"Created pod: {created.Metadata.Name}", cancel).ConfigureAwait(false);
        }
        await _revisions.TruncateAsync(set, current, revisions, pods.Values, cancel).ConfigureAwait(false);
        await WriteStatusAsync(key, nodes, hash, minReady, cancel).ConfigureAwait(false);
        return next - writer.Now;
    }

    private static DaemonUpdate? Update(UntypedObject set, int desired)
    {
        var strategy = set.Json.At("spec", "updateStrategy");
        if (strategy.Text("type") == "OnDelete")
            return null;
        var rolling = strategy.At("rollingUpdate");
        return new DaemonUpdate((rolling.At("maxUnavailable") ?? 1).Scaled(desired, roundUp: true), (rolling.At("maxSurge") ?? 0).Scaled(desired, roundUp: true));
    }

    private async Task WriteStatusAsync(ObjectKey key, List<DaemonNode> nodes, string hash, long minReady, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.DaemonSets, key) is not { } set)
            return;
        var byNode = cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => p.IsOwnedBy(set) && !p.IsDeleting()).ToLookup(NodeOf, StringComparer.Ordinal);
        var desired = nodes.Where(n => n.ShouldRun).Select(n => byNode[n.Name].ToList()).ToList();
        var available = desired.Count(p => p.Exists(x => x.IsAvailable(minReady, writer.Now, out _)));
        await writer.PatchStatusAsync(WorkloadKinds.DaemonSets, set, new JsonObject
        {
            ["currentNumberScheduled"] = desired.Count(p => p.Count > 0),
            ["desiredNumberScheduled"] = desired.Count,
            ["numberMisscheduled"] = nodes.Count(n => !n.ShouldRun && byNode[n.Name].Any()),
            ["numberReady"] = desired.Count(p => p.Exists(x => x.IsReady())),
            ["numberAvailable"] = available,
            ["numberUnavailable"] = desired.Count - available,
            ["updatedNumberScheduled"] = desired.Count(p => p.Exists(x => Revisions.HashOf(x) == hash)),
            ["observedGeneration"] = set.Generation(),
        }, cancel).ConfigureAwait(false);
    }

    private static DaemonNode Judge(UntypedObject set, UntypedObject node)
    {
        var spec = set.Json.At("spec", "template", "spec");
        var tolerations = spec.Objects("tolerations").Concat(Tolerations(spec)).ToList();
        var name = node.Metadata.Name!;
        if (!NodeFit.MatchesSelectors(spec, node))
            return new DaemonNode(name, false, false);
        return new DaemonNode(name, NodeFit.UntoleratedTaint(tolerations, node, "NoSchedule", "NoExecute") is null, NodeFit.UntoleratedTaint(tolerations, node, "NoExecute") is null);
    }

    private static UntypedObject PodFor(UntypedObject set, string node, string hash)
    {
        var pod = Pods.FromTemplate(set.Json.At("spec", "template"), set.Metadata.Namespace!, set.Metadata.Name!, Objects.ReferenceTo(WorkloadKinds.DaemonSets, set));
        var metadata = (JsonObject)pod.Json["metadata"]!;
        if (metadata["labels"] is not JsonObject labels)
            metadata["labels"] = labels = [];
        labels[Revisions.HashLabel] = hash;
        labels["pod-template-generation"] = $"{set.Generation()}";

        var spec = (JsonObject)pod.Json["spec"]!;
        spec["tolerations"] = spec.Objects("tolerations").Select(t => t.DeepClone()).Concat(Tolerations(spec)).ToJson();
        // The scheduler places it, as any pod; the pin says where.
        if (spec["affinity"] is not JsonObject affinity)
            spec["affinity"] = affinity = [];
        if (affinity["nodeAffinity"] is not JsonObject nodeAffinity)
            affinity["nodeAffinity"] = nodeAffinity = [];
        nodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"] = new JsonObject
        {
            ["nodeSelectorTerms"] = new JsonArray(new JsonObject
            {
                ["matchFields"] = new JsonArray(new JsonObject { ["key"] = "metadata.name", ["operator"] = "In", ["values"] = new JsonArray((JsonNode)node) }),
            }),
        };
        return pod;
    }

    private static IEnumerable<JsonObject> Tolerations(JsonNode? spec)
    {
        IEnumerable<(string Key, string Effect)> all = spec.Flag("hostNetwork") ? s_tolerated.Append(("node.kubernetes.io/network-unavailable", "NoSchedule")) : s_tolerated;
        return all.Select(t => new JsonObject { ["key"] = t.Key, ["operator"] = "Exists", ["effect"] = t.Effect });
    }

    private static string NodeOf(UntypedObject pod) => pod.NodeName() is { Length: > 0 } bound ? bound
        : pod.Json.At("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution").Objects("nodeSelectorTerms")
            .SelectMany(t => t.Objects("matchFields")).Where(f => f.Text("key") == "metadata.name").SelectMany(f => f.Texts("values")).FirstOrDefault() ?? "";

    private static bool Differs(UntypedObject a, UntypedObject b) =>
        !JsonNode.DeepEquals(a.Json.At("spec", "taints"), b.Json.At("spec", "taints"))
        || a.Json.Flag("spec", "unschedulable") != b.Json.Flag("spec", "unschedulable")
        || !JsonNode.DeepEquals(a.Json.At("metadata", "labels"), b.Json.At("metadata", "labels"));
}
