using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Finds out whether pools that are missing are meant to be: waits until their changes have come to rest, then asks the API server once more. One
/// that cannot be reached, or does not know the kind any more, has not said so.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="ns">The namespace of the pools.</param>
/// <param name="settle">Hands over the names of the pools that there are.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told when the answer is not to be had.</param>
internal sealed class PoolSettling(KubeClient client, string ns, Func<IReadOnlyCollection<string>, CancellationToken, ValueTask> settle, TimeProvider time, ILogger log)
{
    /// <summary>How long the pools must have been left alone.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Something about the pools has changed, and one may be missing.</summary>
    public void Disturb() => _changed.Writer.TryWrite(true);

    /// <summary>Runs until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var told = false;
        while (true)
        {
            await _changed.Reader.ReadAsync(stop);
            do
                await Task.Delay(Rest, time, stop);
            while (_changed.Reader.TryRead(out _));
            try
            {
                var list = await client.ListAsync(Kinds.IPAddressPools, ns, ct: stop);
                told = false;
                await settle([.. list.Items.Select(pool => pool.Metadata.Name ?? "")], stop);
            }
            catch (Exception failure) when (!stop.IsCancellationRequested && (failure is KubeApiException || ApiFailure.IsTransient(failure, stop)))
            {
                log.Line(told ? LogLevel.Debug : LogLevel.Warning, "pools cannot be listed: nobody loses an address for want of a pool until they can", ("op", "listPools"), ("error", failure.Message));
                told = true;
                Disturb();
            }
        }
    }
}
