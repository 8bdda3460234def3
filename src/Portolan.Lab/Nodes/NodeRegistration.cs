using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

using Microsoft.Extensions.Logging;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Network;
using Portolan.Lab.Nodes.Pods;

namespace Portolan.Lab.Nodes;

/// <summary>Tells the API that the node is there and well: its Node object, its Ready condition, its Lease.</summary>
internal sealed class NodeRegistration(KubeClient client, LabHost host, string? zone, NodeFigures figures, EventRecorder events, TimeProvider time, ILogger logger)
{
    private const int PodCapacity = 110;
    private static readonly TimeSpan _leasePeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _statusPeriod = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(500);
    private static readonly ResourceType<UntypedObject> _nodes = ResourceType.Untyped("", "v1", "nodes", "Node", false);
    private readonly NodeLease _lease = new(client, host.Name, time);
    private volatile TaskCompletionSource _doubted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _readyInApi;
    private DateTimeOffset _readySince;

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var written = DateTimeOffset.MinValue;
        var watching = Task.CompletedTask;
        while (true)
        {
            var wait = _leasePeriod;
            try
            {
                if (!_readyInApi || time.GetUtcNow() - written >= _statusPeriod)
                {
                    await RegisterAsync(cancel).ConfigureAwait(false);
                    await WriteStatusAsync(cancel).ConfigureAwait(false);
                    _readyInApi = true;
                    if (written == DateTimeOffset.MinValue)
                    {
                        events.OfNode("Starting", "Starting kubelet.");
                        watching = new Reflector<UntypedObject>(client, _nodes, fieldSelector: $"metadata.name={host.Name}", logger: logger).RunAsync(OnChange, cancel);
                    }
                    written = time.GetUtcNow();
                }
                await _lease.RenewAsync(cancel).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException || (failure is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                logger.LogWarning("node not reported: {Reason}", failure.Message);
                wait = _retry;
            }
            if (watching.IsFaulted)
                await watching.ConfigureAwait(false);
            await Task.WhenAny(Task.Delay(wait, time, cancel), _doubted.Task).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            if (_doubted.Task.IsCompleted)
                _doubted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Somebody else (the node lifecycle controller, after a silence) may have written another Ready, or deleted the node.</summary>
    private ValueTask OnChange(Change<UntypedObject> change)
    {
        if (change.Kind is ChangeKind.Synced)
            return ValueTask.CompletedTask;
        var ready = change.New?.Status?["conditions"] is JsonArray conditions && conditions.Any(c => (string?)c?["type"] == "Ready" && (string?)c?["status"] == "True");
        var doubted = _readyInApi && !ready;
        _readyInApi = ready;
        if (doubted)
            _doubted.TrySetResult();
        return ValueTask.CompletedTask;
    }

    private async Task RegisterAsync(CancellationToken cancel)
    {
        var labels = Labels();
        try
        {
            await client.CreateAsync(_nodes, null, new UntypedObject(new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = host.Name, ["labels"] = labels },
                ["spec"] = new JsonObject { ["podCIDR"] = host.PodCidr, ["podCIDRs"] = new JsonArray([.. host.PodCidrs.Select(c => (JsonNode)c)]) },
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
            [
                .. host.Addresses.Select(a => (JsonNode)new JsonObject { ["type"] = "InternalIP", ["address"] = a.ToString() }),
                new JsonObject { ["type"] = "Hostname", ["address"] = host.Name },
            ]),
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
