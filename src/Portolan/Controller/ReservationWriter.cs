using System.Threading.Channels;
using Portolan.Core.Addresses.Policies;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Leases;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Writes the controller's own AddressReservations: the record of who has an address, so that it outlives him and the controller. The latest
/// wish for a name counts; what could not be written stays wished.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="ns">Where the records are.</param>
/// <param name="fence">What each write passes: a record of a leader that is none any more could undo the next one's.</param>
internal sealed class ReservationWriter(KubeClient client, string ns, WriteFence fence)
{
    private const int AtOnce = 8;
    private readonly Lock _gate = new();
    private readonly Channel<bool> _wished = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, AddressReservation?> _wishes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _deletions = new(StringComparer.Ordinal);

    /// <summary>Writes that have not succeeded yet.</summary>
    public int Pending
    {
        get
        {
            lock (_gate)
                return _wishes.Count;
        }
    }

    /// <summary>The records of these names should be these, or, where null, should not be.</summary>
    public void Desire(IReadOnlyList<KeyValuePair<string, AddressReservation?>> wishes)
    {
        if (wishes.Count == 0)
            return;
        lock (_gate)
            foreach (var (name, wish) in wishes)
                _wishes[name] = wish;
        _wished.Writer.TryWrite(true);
    }

    /// <summary>Another decides from now on: what was wished and not written is his to wish.</summary>
    public void Forget()
    {
        lock (_gate)
            _wishes.Clear();
    }

    /// <summary>Whether a deletion that the watch shows was ours. Each is asked about once.</summary>
    public bool WasOurs(string name)
    {
        lock (_gate)
            return Unmark(name);
    }

    /// <summary>Writes until the stop. A failure is thrown: started again, it writes what is still wished.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            KeyValuePair<string, AddressReservation?>[] batch;
            lock (_gate)
                batch = [.. _wishes];
            if (batch.Length > 0)
                await Parallel.ForEachAsync(batch, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop }, async (wish, ct) => await WriteAsync(wish.Key, wish.Value, ct));
            else
                await _wished.Reader.ReadAsync(stop);
        }
    }

    private async Task WriteAsync(string name, AddressReservation? wish, CancellationToken stop)
    {
        if (wish is not null)
            await fence.WriteAsync(limit => client.PatchAsync(Kinds.AddressReservations, ns, name, PatchKind.Apply, wish.ToObject(ns), ct: limit)).WaitAsync(stop);
        else
            await DeleteAsync(name, stop);
        lock (_gate)
            if (_wishes.TryGetValue(name, out var latest) && Equals(latest, wish))
                _wishes.Remove(name);
    }

    private async Task DeleteAsync(string name, CancellationToken stop)
    {
        lock (_gate)
            _deletions[name] = _deletions.GetValueOrDefault(name) + 1;
        try
        {
            await fence.WriteAsync(limit => client.RequestAsync(HttpMethod.Delete, Kinds.AddressReservations.Path(ns, name), ct: limit)).WaitAsync(stop);
        }
        catch (Exception failure)
        {
            // No event will come of it. (Of one that was lost on its way one may come: then a record less is kept, at worst.)
            lock (_gate)
                Unmark(name);
            if (failure is not KubeApiException { IsNotFound: true })
                throw;
        }
    }

    private bool Unmark(string name)
    {
        if (!_deletions.TryGetValue(name, out var marks))
            return false;
        if (marks > 1)
            _deletions[name] = marks - 1;
        else
            _deletions.Remove(name);
        return true;
    }
}
