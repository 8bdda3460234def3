using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

using Microsoft.Extensions.Logging;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Network;
using Portolan.Lab.Nodes.Pods;

namespace Portolan.Lab.Nodes;

/// <summary>Tells the API that the node is there and well: its Node object, its Ready condition, its Lease.</summary>
internal sealed class NodeRegistration(KubeClient client, LabHost host, string? zone, NodeFigures figures, EventRecorder events, TimeProvider time, ILogger logger)
{
    private const string LeaseNamespace = "kube-node-lease";
    private const int LeaseSeconds = 40;
    private const int PodCapacity = 110;
    private static readonly TimeSpan _leasePeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _statusPeriod = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(500);
    private static readonly ResourceType<UntypedObject> _nodes = ResourceType.Untyped("", "v1", "nodes", "Node", false);
    private DateTimeOffset _readySince;

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var written = DateTimeOffset.MinValue;
        while (true)
        {
            var wait = _leasePeriod;
            try
            {
                if (time.GetUtcNow() - written >= _statusPeriod || !await IsReadyInApiAsync(cancel).ConfigureAwait(false))
                {
                    await RegisterAsync(cancel).ConfigureAwait(false);
                    await WriteStatusAsync(cancel).ConfigureAwait(false);
                    if (written == DateTimeOffset.MinValue)
                        events.OfNode("Starting", "Starting kubelet.");
                    written = time.GetUtcNow();
                }
                await RenewLeaseAsync(cancel).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException || (failure is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                logger.LogWarning("node not reported: {Reason}", failure.Message);
                wait = _retry;
            }
            await Task.Delay(wait, time, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Somebody else (the node lifecycle controller, after a silence) may have written another Ready.</summary>
    private async Task<bool> IsReadyInApiAsync(CancellationToken cancel)
    {
        var node = await client.FindAsync(_nodes, null, host.Name, cancel).ConfigureAwait(false);
        return node?.Status?["conditions"] is JsonArray conditions && conditions.Any(c => (string?)c?["type"] == "Ready" && (string?)c?["status"] == "True");
    }

    private async Task RegisterAsync(CancellationToken cancel)
    {
        var labels = Labels();
        try
        {
            await client.CreateAsync(_nodes, null, new UntypedObject(new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = host.Name, ["labels"] = labels },
                ["spec"] = new JsonObject { ["podCIDR"] = host.PodCidr, ["podCIDRs"] = new JsonArray((JsonNode)host.PodCidr) },
            }), cancel).ConfigureAwait(false);
        }
        catch (KubeApiException exists) when (exists.IsAlreadyExists)
        {
            await client.PatchAsync(_nodes, null, host.Name, PatchKind.Merge, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = Labels() } }, null, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Without a zone of the lab's, the label is whoever's who sets it.</summary>
    private JsonObject Labels()
    {
        var labels = new JsonObject
        {
            ["kubernetes.io/hostname"] = host.Name,
            ["kubernetes.io/os"] = "linux",
            ["kubernetes.io/arch"] = Architecture,
            ["beta.kubernetes.io/os"] = "linux",
            ["beta.kubernetes.io/arch"] = Architecture,
        };
        if (zone is not null)
            labels["topology.kubernetes.io/zone"] = zone;
        return labels;
    }

    private async Task WriteStatusAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (_readySince == default)
            _readySince = now;
        JsonObject Resources() => new()
        {
            ["cpu"] = figures.Cpus.ToString(CultureInfo.InvariantCulture),
            ["memory"] = $"{figures.MemoryBytes / 1024}Ki",
            ["ephemeral-storage"] = $"{new DriveInfo("/").TotalSize / 1024}Ki",
            ["pods"] = PodCapacity.ToString(CultureInfo.InvariantCulture),
        };
        JsonObject Condition(string type, string status, string reason, string message) => new()
        {
            ["type"] = type,
            ["status"] = status,
            ["reason"] = reason,
            ["message"] = message,
            ["lastHeartbeatTime"] = ContainerSnapshot.Time(now),
            ["lastTransitionTime"] = ContainerSnapshot.Time(_readySince),
        };
        var status = new JsonObject
        {
            ["capacity"] = Resources(),
            ["allocatable"] = Resources(),
            ["addresses"] = new JsonArray(
                new JsonObject { ["type"] = "InternalIP", ["address"] = host.Address.ToString() },
                new JsonObject { ["type"] = "Hostname", ["address"] = host.Name }),
            ["daemonEndpoints"] = new JsonObject { ["kubeletEndpoint"] = new JsonObject { ["Port"] = Server.KubeletServer.Port } },
            ["conditions"] = new JsonArray(
                Condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                Condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                Condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                Condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")),
            ["nodeInfo"] = new JsonObject
            {
                ["machineID"] = MachineId(),
                ["systemUUID"] = MachineId(),
                ["bootID"] = Read("/proc/sys/kernel/random/boot_id"),
                ["kernelVersion"] = Read("/proc/sys/kernel/osrelease"),
                ["osImage"] = OsImage(),
                ["containerRuntimeVersion"] = $"portolan://{typeof(NodeRegistration).Assembly.GetName().Version!.ToString(3)}",
                ["kubeletVersion"] = "v1.33.0",
                ["kubeProxyVersion"] = "",
                ["operatingSystem"] = "linux",
                ["architecture"] = Architecture,
            },
        };
        await client.PatchAsync(_nodes, null, host.Name, PatchKind.Merge, new JsonObject { ["status"] = status }, "status", cancel).ConfigureAwait(false);
    }

    private async Task RenewLeaseAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var lease = await client.FindAsync(Kinds.Leases, LeaseNamespace, host.Name, cancel).ConfigureAwait(false);
        if (lease is null)
        {
            await client.CreateAsync(Kinds.Leases, LeaseNamespace, new Lease
            {
                Metadata = new ObjectMeta { Name = host.Name, Namespace = LeaseNamespace },
                Spec = new LeaseSpec { HolderIdentity = host.Name, LeaseDurationSeconds = LeaseSeconds, RenewTime = now },
            }, cancel).ConfigureAwait(false);
            return;
        }
        lease.Spec = new LeaseSpec { HolderIdentity = host.Name, LeaseDurationSeconds = LeaseSeconds, RenewTime = now };
        await client.ReplaceAsync(Kinds.Leases, lease, null, cancel).ConfigureAwait(false);
    }

    private static string Architecture => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };

    private static string OsImage() =>
        File.Exists("/etc/os-release") && File.ReadLines("/etc/os-release").FirstOrDefault(l => l.StartsWith("PRETTY_NAME=", StringComparison.Ordinal)) is { } line
            ? line["PRETTY_NAME=".Length..].Trim('"') : "Linux";

    private string MachineId() => File.Exists("/etc/machine-id") ? Read("/etc/machine-id") : host.Name;

    private static string Read(string path) => File.ReadAllText(path).Trim();
}
