using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>
/// Gives nodes their pod addresses, notices the silent ones by their leases, and keeps taints and pods' readiness in step: a Service must not
/// send traffic to a node that is not there.
/// </summary>
/// <param name="cache">The cluster.</param>
/// <param name="writer">Writes to it.</param>
/// <param name="grace">How old a lease may grow; 40 s on real clusters.</param>
/// <param name="eviction">How long pods without their own toleration stay on a node that is not Ready; on real clusters 300 s, given by admission.</param>
internal sealed class NodeLifecycleController(ClusterCache cache, ClusterWriter writer, TimeSpan grace, TimeSpan eviction) : Controller("node-controller")
{
    private const string NotReady = "node.kubernetes.io/not-ready";
    private const string Unreachable = "node.kubernetes.io/unreachable";
    private const string LeaseNamespace = "kube-node-lease";

    /// <summary>When a lease was last seen to move, by this machine's clock: nodes' clocks may differ.</summary>
    private readonly Dictionary<string, (string Renewed, DateTimeOffset Seen)> _leases = new(StringComparer.Ordinal);

    public override IEnumerable<ObjectKey> Touches(CacheChange change) =>
        change.Is(WorkloadKinds.Nodes) ? [change.Key]
        : change.Is(WorkloadKinds.Leases) && change.Key.Namespace == LeaseNamespace ? [new ObjectKey("", change.Key.Name)]
        : change.Is(WorkloadKinds.Pods) && change.New is { } pod && pod.NodeName().Length > 0 && change.Old?.NodeName() != pod.NodeName() ? [new ObjectKey("", pod.NodeName())]
        : [];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Nodes, key) is not { } node)
        {
            _leases.Remove(key.Name);
            return null;
        }
        if (node.Json.Text("spec", "podCIDR") is not { Length: > 0 })
            node = await GiveAddressesAsync(node, cancel).ConfigureAwait(false);

        var silence = Silence(node);
        var allowed = HollowNodeController.IsHollow(node) && HollowNodeController.Grace > grace ? HollowNodeController.Grace : grace;
        var isKnown = node.Condition("Ready").Text("status") != "Unknown";
        if (silence >= allowed || !isKnown)
        {
            // Its pods before all else: each moment more, a Service sends traffic to a node that is not there.
            foreach (var pod in PodsOn(node).Where(p => p.IsReady()))
                await MarkNotReadyAsync(pod, cancel).ConfigureAwait(false);
            if (isKnown)
                node = await MarkUnknownAsync(node, cancel).ConfigureAwait(false);
        }
        node = await KeepTaintsAsync(node, cancel).ConfigureAwait(false);
        var eviction = node.HasCondition("Ready") ? null : await LeaveAsync(node, cancel).ConfigureAwait(false);
        TimeSpan? check = silence < allowed ? allowed - silence : null;
        return check is null || eviction < check ? eviction : check;
    }

    private TimeSpan Silence(UntypedObject node)
    {
        // A status that the node itself writes is a sign of life, too: the one that ends a silence may come before the lease.
        var name = node.Metadata.Name!;
        var lease = cache.Find(WorkloadKinds.Leases, new ObjectKey(LeaseNamespace, name))?.Json.Text("spec", "renewTime");
        var renewed = $"{lease} {node.Condition("Ready").Text("lastHeartbeatTime")}";
        if (!_leases.TryGetValue(name, out var known) || known.Renewed != renewed)
            _leases[name] = known = (renewed, writer.Now);
        return writer.Now - known.Seen;
    }

    private Task<UntypedObject> GiveAddressesAsync(UntypedObject node, CancellationToken cancel)
    {
        var taken = cache.All(WorkloadKinds.Nodes).Select(n => n.Json.Text("spec", "podCIDR")).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var range = PodRanges.For(node.Metadata.Name!, taken);
        return writer.PatchAsync(WorkloadKinds.Nodes, node, new JsonObject { ["spec"] = new JsonObject { ["podCIDR"] = range, ["podCIDRs"] = new JsonArray((JsonNode)range) } }, cancel);
    }

    private async Task<UntypedObject> MarkUnknownAsync(UntypedObject node, CancellationToken cancel)
    {
        var now = writer.Now.Timestamp();
        var conditions = node.Json.Objects("status", "conditions").Select(c => (JsonObject)c.DeepClone()).ToList();
        if (!conditions.Exists(c => c.Text("type") == "Ready"))
            conditions.Add(new JsonObject { ["type"] = "Ready" });
        foreach (var condition in conditions.Where(c => c.Text("status") != "Unknown"))
        {
            condition["status"] = "Unknown";
            condition["reason"] = "NodeStatusUnknown";
            condition["message"] = "Kubelet stopped posting node status.";
            condition["lastTransitionTime"] = now;
        }
        var marked = await writer.PatchAsync(WorkloadKinds.Nodes, node, new JsonObject { ["status"] = new JsonObject { ["conditions"] = conditions.ToJson() } }, cancel, "status").ConfigureAwait(false);
        await writer.TellAsync(WorkloadKinds.Nodes, node, Name, "Normal", "NodeNotReady", $"Node {node.Metadata.Name} status is now: NodeNotReady", cancel).ConfigureAwait(false);
        return marked;
    }

    private async Task<UntypedObject> KeepTaintsAsync(UntypedObject node, CancellationToken cancel)
    {
        var wanted = node.Condition("Ready").Text("status") switch { "True" => "", "Unknown" => Unreachable, _ => NotReady };
        var taints = node.Json.Objects("spec", "taints").ToList();
        var ours = taints.Where(t => t.Text("key") is NotReady or Unreachable).ToList();
        if (wanted.Length == 0 ? ours.Count == 0 : ours.Count == 2 && ours.TrueForAll(t => t.Text("key") == wanted))
            return node;
        var next = taints.Except(ours).Select(t => t.DeepClone()).ToList();
        if (wanted.Length > 0)
        {
            next.Add(new JsonObject { ["key"] = wanted, ["effect"] = "NoSchedule" });
            next.Add(new JsonObject { ["key"] = wanted, ["effect"] = "NoExecute", ["timeAdded"] = writer.Now.Timestamp() });
        }
        return await writer.PatchAsync(WorkloadKinds.Nodes, node, new JsonObject { ["spec"] = new JsonObject { ["taints"] = next.Count == 0 ? null : next.ToJson() } }, cancel).ConfigureAwait(false);
    }

    private List<UntypedObject> PodsOn(UntypedObject node) => [.. cache.All(WorkloadKinds.Pods).Where(p => p.NodeName() == node.Metadata.Name && !p.IsFinished())];

    /// <summary>The pods of a node that is not Ready: who does not tolerate the taint leaves in time.</summary>
    /// <returns>When the next one's time is up.</returns>
    private async Task<TimeSpan?> LeaveAsync(UntypedObject node, CancellationToken cancel)
    {
        TimeSpan? next = null;
        var taint = node.Json.Objects("spec", "taints").FirstOrDefault(t => t.Text("key") is NotReady or Unreachable && t.Text("effect") == "NoExecute");
        foreach (var current in PodsOn(node))
        {
            if (taint is null || current.IsDeleting() || ToleratedFor(current, taint) is not { } tolerated)
                continue;
            var since = DateTimeOffset.TryParse(taint.Text("timeAdded"), out var added) ? added : writer.Now;
            var left = since + tolerated - writer.Now;
            if (left > TimeSpan.Zero)
            {
                next = next is null || left < next ? left : next;
                continue;
            }
            await writer.TellAsync(WorkloadKinds.Pods, current, "taint-eviction-controller", "Normal", "TaintManagerEviction", $"Marking for deletion Pod {current.Key()}", cancel).ConfigureAwait(false);
            await writer.DeleteAsync(WorkloadKinds.Pods, current, cancel).ConfigureAwait(false);
        }
        return next;
    }

    private Task<UntypedObject> MarkNotReadyAsync(UntypedObject pod, CancellationToken cancel)
    {
        var conditions = pod.Json.Objects("status", "conditions").Select(c => (JsonObject)c.DeepClone()).ToList();
        var ready = conditions.Find(c => c.Text("type") == "Ready")!;
        ready["status"] = "False";
        ready["reason"] = "NodeNotReady";
        ready["lastTransitionTime"] = writer.Now.Timestamp();
        return writer.PatchAsync(WorkloadKinds.Pods, pod, new JsonObject { ["status"] = new JsonObject { ["conditions"] = conditions.ToJson() } }, cancel, "status");
    }

    /// <returns>How long the pod stays under the taint; null for ever.</returns>
    private TimeSpan? ToleratedFor(UntypedObject pod, JsonObject taint)
    {
        var matching = pod.Json.Objects("spec", "tolerations").Where(t => NodeFit.Tolerates(t, taint)).ToList();
        if (matching.Count == 0)
            return eviction;
        var limits = matching.Select(t => t.Number("tolerationSeconds")).OfType<long>().ToList();
        return limits.Count == 0 ? null : TimeSpan.FromSeconds(Math.Max(0, limits.Min()));
    }
}
