using System.Net;
using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>The kubelet of hollow nodes, as far as pods can tell: what is bound there is soon Running and Ready, and gone when it is deleted. Nothing runs.</summary>
internal sealed class HollowPodController(ClusterCache cache, ClusterWriter writer) : Controller("hollow-pod-controller")
{
    /// <summary>For each node its pods' addresses, by the pods' uids.</summary>
    private readonly Dictionary<string, Dictionary<string, IPAddress>> _addresses = new(StringComparer.Ordinal);

    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (!change.Is(WorkloadKinds.Pods) || cache.Find(WorkloadKinds.Nodes, new ObjectKey("", change.Latest.NodeName())) is not { } node || !HollowNodeController.IsHollow(node))
            return [];
        if (change.New is not { } pod)
        {
            AddressesOn(change.Latest.NodeName()).Remove(change.Latest.Uid());
            return [];
        }
        if (IPAddress.TryParse(pod.Json.Text("status", "podIP"), out var address))
            AddressesOn(pod.NodeName())[pod.Uid()] = address;
        return pod.IsDeleting() || pod.Phase() == "Pending" ? [change.Key] : [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Pods, key) is not { } pod || cache.Find(WorkloadKinds.Nodes, new ObjectKey("", pod.NodeName())) is not { } node)
            return null;
        if (pod.IsDeleting())
            await writer.DeleteAsync(WorkloadKinds.Pods, pod, cancel, gracePeriodSeconds: 0).ConfigureAwait(false);
        else if (pod.Phase() == "Pending")
            await writer.PatchAsync(WorkloadKinds.Pods, pod, new JsonObject { ["status"] = Running(pod, node) }, cancel, "status").ConfigureAwait(false);
        return null;
    }

    private JsonObject Running(UntypedObject pod, UntypedObject node)
    {
        var now = writer.Now.Timestamp();
        var host = node.Json.Objects("status", "addresses").FirstOrDefault(a => a.Text("type") == "InternalIP").Text("address");
        var address = pod.Json.Flag("spec", "hostNetwork") ? host : AddressOf(pod, node)?.ToString();
        var status = new JsonObject
        {
            ["phase"] = "Running",
            ["startTime"] = now,
            ["conditions"] = new[] { "PodScheduled", "Initialized", "ContainersReady", "Ready" }
                .Select(type => (JsonNode)new JsonObject { ["type"] = type, ["status"] = "True", ["lastTransitionTime"] = now }).ToJson(),
            ["containerStatuses"] = pod.Json.Objects("spec", "containers").Select(c => (JsonNode)new JsonObject
            {
                ["name"] = c.Text("name"),
                ["image"] = c.Text("image"),
                ["imageID"] = c.Text("image"),
                ["containerID"] = $"hollow://{pod.Uid()}/{c.Text("name")}",
                ["ready"] = true,
                ["started"] = true,
                ["restartCount"] = 0,
                ["state"] = new JsonObject { ["running"] = new JsonObject { ["startedAt"] = now } },
            }).ToJson(),
        };
        if (host is not null)
            status["hostIP"] = host;
        if (address is not null)
            (status["podIP"], status["podIPs"]) = (address, new JsonArray(new JsonObject { ["ip"] = address }));
        return status;
    }

    /// <returns>The one it was given before, or the first that is free; null when none is.</returns>
    private IPAddress? AddressOf(UntypedObject pod, UntypedObject node)
    {
        var addresses = AddressesOn(node.Metadata.Name!);
        if (addresses.TryGetValue(pod.Uid(), out var own))
            return own;
        if (!IPNetwork.TryParse(node.Json.Text("spec", "podCIDR"), out var range))
            return null;
        var bytes = range.BaseAddress.GetAddressBytes();
        for (bytes[^1]++; new IPAddress(bytes) is var free && range.Contains(free); bytes[^1]++)
        {
            // Noted at once: the next pod is planned before this one's new status comes back.
            if (!addresses.ContainsValue(free))
                return addresses[pod.Uid()] = free;
        }
        return null;
    }

    private Dictionary<string, IPAddress> AddressesOn(string node) => _addresses.TryGetValue(node, out var addresses) ? addresses : _addresses[node] = new(StringComparer.Ordinal);
}
