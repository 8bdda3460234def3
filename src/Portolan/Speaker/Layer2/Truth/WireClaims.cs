using System.Collections.Concurrent;
using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>
/// Hands what responders overhear to the speaker's loop. Of a claim that is repeated before the loop has looked, one is kept; the number of different
/// ones is bounded, so a flood of them costs little. For addresses that nobody watches nothing is kept or allocated. Any number of threads.
/// </summary>
/// <param name="onNews">Called, from any thread, when there is something to take where there was nothing.</param>
internal sealed class WireClaims(Action onNews)
{
    private const int Most = 1024;

    private readonly ConcurrentDictionary<IpAddress, int> _watched = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<(IpAddress, MacAddress, bool), WireClaim> _claims = [];

    /// <summary>Claims that were not kept because there were too many others.</summary>
    public long Dropped { get; private set; }

    /// <summary>Listens for claims to this address. Each call is to be undone by <see cref="Unwatch"/>.</summary>
    public void Watch(IpAddress address) => _watched.AddOrUpdate(address, 1, static (_, count) => count + 1);

    /// <summary>Undoes a <see cref="Watch"/>.</summary>
    public void Unwatch(IpAddress address)
    {
        if (_watched.AddOrUpdate(address, 0, static (_, count) => count - 1) <= 0)
            _watched.TryRemove(address, out _);
    }

    /// <summary>A station was heard.</summary>
    public void Heard(IpAddress address, MacAddress mac, string where, bool isProbe)
    {
        if (!_watched.ContainsKey(address) || mac.IsZero || mac.IsGroup)
            return;
        lock (_gate)
        {
            if (_claims.ContainsKey((address, mac, isProbe)))
                return;
            if (_claims.Count == Most)
            {
                Dropped++;
                return;
            }

            _claims.Add((address, mac, isProbe), new WireClaim(address, mac, where, isProbe));
            if (_claims.Count > 1)
                return;
        }

        onNews();
    }

    /// <summary>What was heard since the last call.</summary>
    public IReadOnlyList<WireClaim> Take()
    {
        lock (_gate)
        {
            if (_claims.Count == 0)
                return [];
            WireClaim[] taken = [.. _claims.Values];
            _claims.Clear();
            return taken;
        }
    }
}
