using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Hollow;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>The heartbeat of hollow nodes, at a real kubelet's pace: a status when they have none, and a lease renewed every ten seconds.</summary>
internal sealed class HollowNodeController(ClusterCache cache, ClusterWriter writer) : Controller("hollow-node-controller")
{
    /// <summary>Hollow nodes are judged by a real cluster's time-out, not by the lab's short one: 500 of them at its pace would be work in themselves.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(10);
    private const string LeaseNamespace = "kube-node-lease";

    public static bool IsHollow(UntypedObject node) => node.Labels().ContainsKey(HollowCluster.Label);

    // Not by its own status or lease: both are written here, and the next one is due when its time comes.
    public override IEnumerable<ObjectKey> Touches(CacheChange change) =>
        change.Is(WorkloadKinds.Nodes) && change.New is { } node && IsHollow(node) && (change.Old is null || Beats(node) != Beats(change.Old) || !node.HasCondition("Ready"))
            ? [change.Key] : [];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Nodes, key) is not { } node || !Beats(node))
            return null;
        if (!node.HasCondition("Ready"))
            await writer.PatchAsync(WorkloadKinds.Nodes, node, new JsonObject { ["status"] = Status(node) }, cancel, "status").ConfigureAwait(false);
        var lease = cache.Find(WorkloadKinds.Leases, new ObjectKey(LeaseNamespace, key.Name));
        if (DateTimeOffset.TryParse(lease?.Json.Text("spec", "renewTime"), out var renewed) && renewed + s_period - writer.Now is var left && left > TimeSpan.Zero)
            return left;
        var spec = new JsonObject
        {
            ["holderIdentity"] = key.Name,
            ["leaseDurationSeconds"] = (int)Grace.TotalSeconds,
            ["renewTime"] = writer.Now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ"),
        };
        if (lease is null)
            await writer.CreateAsync(WorkloadKinds.Leases, new UntypedObject(new JsonObject { ["metadata"] = new JsonObject { ["name"] = key.Name, ["namespace"] = LeaseNamespace }, ["spec"] = spec }), cancel).ConfigureAwait(false);
        else
            await writer.PatchAsync(WorkloadKinds.Leases, lease, new JsonObject { ["spec"] = spec }, cancel, onlyThisVersion: false).ConfigureAwait(false);
        return s_period;
    }

    private static bool Beats(UntypedObject node) => node.Labels().GetValueOrDefault(HollowCluster.Label) == HollowCluster.Alive;

    private JsonObject Status(UntypedObject node)
    {
        var now = writer.Now.Timestamp();
        JsonObject Resources() => new() { ["cpu"] = "4", ["memory"] = "16Gi", ["pods"] = "110" };
        var addresses = new JsonArray { (JsonNode)new JsonObject { ["type"] = "Hostname", ["address"] = node.Metadata.Name } };
        if (int.TryParse(node.Metadata.Name!.AsSpan(node.Metadata.Name!.LastIndexOf('-') + 1), out var number) && number is >= 1 and <= HollowCluster.MaximumNodes)
            addresses.Insert(0, new JsonObject { ["type"] = "InternalIP", ["address"] = HollowCluster.NodeAddress(number).ToString() });
        return new JsonObject
        {
            ["capacity"] = Resources(),
            ["allocatable"] = Resources(),
            ["addresses"] = addresses,
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "Ready",
                ["status"] = "True",
                ["reason"] = "KubeletReady",
                ["message"] = "a hollow node has nothing that could be unwell",
                ["lastHeartbeatTime"] = now,
                ["lastTransitionTime"] = now,
            }),
            ["nodeInfo"] = new JsonObject
            {
                ["machineID"] = node.Metadata.Name,
                ["systemUUID"] = node.Metadata.Name,
                ["bootID"] = node.Metadata.Name,
                ["kernelVersion"] = "hollow",
                ["osImage"] = "hollow",
                ["containerRuntimeVersion"] = "hollow://0",
                ["kubeletVersion"] = "v1.33.0",
                ["kubeProxyVersion"] = "",
                ["operatingSystem"] = "linux",
                ["architecture"] = "amd64",
            },
        };
    }
}
