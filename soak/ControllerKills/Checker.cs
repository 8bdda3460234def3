using System.Diagnostics;
using System.Globalization;

namespace Portolan.Soak.ControllerKills;

/// <summary>
/// Follows the Services and says what must not be. At every moment: a Service that nobody changed keeps its address, and nobody else is given it.
/// Once all has come to rest: each LoadBalancer has an address that it may have, and no other Service has one.
/// </summary>
internal sealed class Checker
{
    private const int Told = 20;
    private const int Remembered = 8;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SeenService> _services = new(StringComparer.Ordinal);
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly HashSet<PoolBlock> _shrunk = [];
    private readonly List<string> _wrong = [];
    private readonly Dictionary<string, Queue<string>> _history = new(StringComparer.Ordinal);
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>What was wrong, the first of it.</summary>
    public IReadOnlyList<string> Wrong
    {
        get { lock (_gate) return [.. _wrong]; }
    }

    /// <summary>Changes whenever something is seen.</summary>
    public long Events { get; private set; }

    /// <summary>Somebody is about to change this Service: what becomes of its address is open until all has come to rest.</summary>
    public void Changing(string key)
    {
        lock (_gate)
        {
            _changed.Add(key);
            Remember(key, "is about to be changed");
        }
    }

    /// <summary>Somebody is about to take addresses out of this pool.</summary>
    public void Shrinking(PoolBlock pool)
    {
        lock (_gate) _shrunk.Add(pool);
    }

    public void Blame(string what)
    {
        lock (_gate)
            if (_wrong.Count < Told) _wrong.Add(what);
    }

    public bool HasAddress(string key)
    {
        lock (_gate) return _services.TryGetValue(key, out var service) && service.Addresses.Count > 0;
    }

    /// <summary>The next event of the watch.</summary>
    public void See(bool isDeletion, SeenService now)
    {
        lock (_gate)
        {
            Events++;
            Remember(now.Key, isDeletion ? "is deleted" : now.ToString());
            var before = _services.GetValueOrDefault(now.Key);
            if (isDeletion)
            {
                _services.Remove(now.Key);
                return;
            }

            _services[now.Key] = now;
            if (before is not null && IsOwed(before) && before.Uid == now.Uid)
                foreach (var address in before.Addresses)
                    if (!now.Addresses.Contains(address) && !IsOpen(address))
                        Blame($"{now.Key}: nobody changed it, and {address} became {(now.Addresses.Count == 0 ? "nothing" : string.Join(", ", now.Addresses))}{Remembers(address)}");
            foreach (var address in now.Addresses)
                if (now.IsLoadBalancer && before?.Addresses.Contains(address) is not true)
                    foreach (var holder in _services.Values)
                        if (holder.Key != now.Key && IsOwed(holder) && holder.Addresses.Contains(address) && !IsOpen(address) && !now.MayShareWith(holder))
                            Blame($"{now.Key} was given {address}, which {holder.Key} has");
        }
    }

    /// <summary>What is not yet as it must be once all has come to rest.</summary>
    /// <param name="final">Nobody is owed an address any more that was taken out of a pool: while a pool is gone or wrong, they keep what may have been in it.</param>
    public IReadOnlyList<string> Unsettled(bool final)
    {
        lock (_gate)
        {
            var problems = new List<string>();
            var holders = _services.Values.SelectMany(service => service.Addresses.Select(address => (address, service))).ToLookup(held => held.address, held => held.service);
            foreach (var service in _services.Values)
            {
                if (!service.IsLoadBalancer)
                {
                    if (service.Addresses.Count > 0) problems.Add($"{service.Key} is no LoadBalancer and shows {string.Join(", ", service.Addresses)}");
                    continue;
                }

                if (service.Addresses.Count > 1) problems.Add($"{service.Key} shows {string.Join(", ", service.Addresses)}");
                foreach (var address in service.Addresses)
                {
                    var pool = PoolBlock.Of(address);
                    if (pool?.Contains(address) is not true && (final || !IsOpen(address))) problems.Add($"{service.Key} has {address}, which is in no pool");
                    if (service.Requested.Length > 0 && address != service.Requested) problems.Add($"{service.Key} asks for {service.Requested} and has {address}");
                    problems.AddRange(holders[address].Where(other => string.CompareOrdinal(other.Key, service.Key) > 0 && !other.MayShareWith(service)).Select(other => $"{address} is doubled: {service.Key} and {other.Key}"));
                }

                if (service.Addresses.Count == 0 && IsDue(service, holders)) problems.Add($"{service.Key} has no address");
            }

            return problems;
        }
    }

    /// <summary>All has come to rest: from here on everyone is owed what it has.</summary>
    public void Settled()
    {
        lock (_gate)
        {
            foreach (var key in _changed)
                Remember(key, "has come to rest");
            _changed.Clear();
            _shrunk.RemoveWhere(pool => pool.Last >= 0 && !_services.Values.Any(service => service.Addresses.Any(address => PoolBlock.Of(address) == pool && !pool.Contains(address))));
        }
    }

    /// <summary>Two Services that nobody may change, of which the first has an address.</summary>
    public (SeenService Holder, SeenService Other)? Pair()
    {
        lock (_gate)
            return _services.Values.Where(service => IsOwed(service) && service.Addresses.Count > 0 && !IsOpen(service.Addresses[0]) && service.SharingKey.Length == 0).Take(2).ToList() is [var a, var b] ? (a, b) : null;
    }

    private void Remember(string key, string what)
    {
        if (!_history.TryGetValue(key, out var history))
            _history[key] = history = new();
        if (history.Count == Remembered) history.Dequeue();
        history.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds:f3} {what}"));
    }

    // All that is remembered of whoever had the address, in order: whoever has to explain it will ask.
    private string Remembers(string address)
    {
        var about = _history.Where(pair => pair.Value.Any(line => line.Contains(address, StringComparison.Ordinal)));
        return string.Concat(about.SelectMany(pair => pair.Value.Select(line => $"{Environment.NewLine}    {pair.Key} {line}")));
    }

    private bool IsOwed(SeenService service) => service.IsLoadBalancer && !_changed.Contains(service.Key);

    private bool IsOpen(string address) => PoolBlock.Of(address) is not { } pool || _shrunk.Contains(pool);

    // Who asks for one address may have to wait for it; everyone else finds one in the base pool.
    private static bool IsDue(SeenService service, ILookup<string, SeenService> holders) => service.Requested.Length == 0
        || (PoolBlock.Of(service.Requested)?.Contains(service.Requested) is true && holders[service.Requested].All(service.MayShareWith));
}
