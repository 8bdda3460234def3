using System.Text.Json.Nodes;
using System.Threading.Channels;
using Portolan.Core.Addresses;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Keeps the counters in the pools' status. They follow the truth with a short delay, so that a thousand Services made at once are a few
/// writes; a hand edit is reverted.
/// </summary>
internal sealed class PoolStatusWriter(KubeClient client, string ns, TimeProvider time)
{
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan EchoPatience = TimeSpan.FromSeconds(2);
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, (PoolUse Use, long At)> _written = new(StringComparer.Ordinal);
    private volatile IReadOnlyList<(PoolUse Use, IPAddressPoolStatus? Observed)> _pools = [];

    /// <summary>The counters as they should be, and as the server has them.</summary>
    public void Publish(IReadOnlyList<(PoolUse Use, IPAddressPoolStatus? Observed)> pools)
    {
        _pools = pools;
        _changed.Writer.TryWrite(true);
    }

    /// <summary>Writes what differs until the stop. A failure is thrown: started again, it finds the same difference.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await WriteAsync(stop);
            await _changed.Reader.ReadAsync(stop);
            await Task.Delay(Gathering, time, stop);
        }
    }

    private async Task WriteAsync(CancellationToken stop)
    {
        var echoAwaited = false;
        foreach (var (use, observed) in _pools)
        {
            if (Is(use, observed))
                continue;

            // What was just written may not have come back through the watch yet.
            if (_written.TryGetValue(use.Pool, out var last) && last.Use == use && time.GetElapsedTime(last.At) < EchoPatience)
            {
                echoAwaited = true;
                continue;
            }

            var status = new JsonObject
            {
                ["assignedIPv4"] = use.AssignedIPv4,
                ["assignedIPv6"] = use.AssignedIPv6,
                ["availableIPv4"] = use.AvailableIPv4,
                ["availableIPv6"] = use.AvailableIPv6,
            };
            try
            {
                await client.PatchAsync(Kinds.IPAddressPools, ns, use.Pool, PatchKind.Merge, new JsonObject { ["status"] = status }, "status", stop);
            }
            catch (KubeApiException gone) when (gone.IsNotFound)
            {
                continue;
            }

            _written[use.Pool] = (use, time.GetTimestamp());
        }

        if (echoAwaited)
            _ = LookAgainAsync(stop);
    }

    private async Task LookAgainAsync(CancellationToken stop)
    {
        await Task.Delay(EchoPatience, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Publish(_pools);
    }

    private static bool Is(PoolUse use, IPAddressPoolStatus? observed) =>
        observed is not null && (observed.AssignedIPv4, observed.AssignedIPv6, observed.AvailableIPv4, observed.AvailableIPv6)
            == (use.AssignedIPv4, use.AssignedIPv6, use.AvailableIPv4, use.AvailableIPv6);
}
