using System.Net.Sockets;
using Portolan.Linux.Links;

namespace Portolan.Speaker.Readiness;

/// <summary>
/// Whom to ask when, and whether the default gateways answer. Each is asked once a second, unless something else has just shown that it answers.
/// Pure: time is passed in, as microseconds.
/// </summary>
internal sealed class GatewayReachability
{
    /// <summary>From one request to the next, and how long an answer may take. Microseconds.</summary>
    internal const long Every = 1_000_000;

    /// <summary>So many requests in a row without an answer: it is unreachable.</summary>
    internal const int MostMisses = 3;

    // Who looks so much later than he meant to has not listened either. Microseconds.
    private const long Late = Every / 2;

    private readonly Dictionary<DefaultGateway, Asked> _gateways = [];
    private readonly HashSet<AddressFamily> _everAnswered = [];
    private bool _isNeeded;

    private sealed class Asked
    {
        public long Next { get; set; }

        public bool IsWaiting { get; set; }

        public int Misses { get; set; }
    }

    /// <summary>When <see cref="TakeDue"/> has something, or null.</summary>
    public long? Deadline => _isNeeded && _gateways.Count > 0 ? _gateways.Values.Min(asked => asked.Next) : null;

    /// <summary>
    /// Whether the default gateways of a family do not answer. A family that never worked here while the other does is none of this node's troubles:
    /// otherwise a mute IPv6 router would hide that the IPv4 one is lost.
    /// </summary>
    public bool IsUnreachable
    {
        get
        {
            if (!_isNeeded || _gateways.Count == 0)
                return false;
            var families = _gateways.GroupBy(entry => entry.Key.Family).Select(family => (family.Key, IsLost: family.All(entry => entry.Value.Misses >= MostMisses))).ToList();
            return _everAnswered.Count > 0 ? families.Exists(family => family.IsLost && _everAnswered.Contains(family.Key)) : families.TrueForAll(family => family.IsLost);
        }
    }

    /// <summary>The gateways.</summary>
    public IReadOnlyCollection<DefaultGateway> Gateways => _gateways.Keys;

    /// <summary>Those that do not answer.</summary>
    public IEnumerable<DefaultGateway> Silent => _gateways.Where(entry => entry.Value.Misses >= MostMisses).Select(entry => entry.Key);

    /// <summary>Something is announced here, or could be; otherwise nobody is asked.</summary>
    public void SetNeeded(bool isNeeded, long now)
    {
        if (_isNeeded == isNeeded)
            return;
        _isNeeded = isNeeded;
        foreach (var asked in _gateways.Values)
            (asked.Next, asked.IsWaiting, asked.Misses) = (now, false, 0);
    }

    /// <summary>Takes the gateways as they are now.</summary>
    public void Set(IReadOnlyCollection<DefaultGateway> gateways, long now)
    {
        foreach (var gone in _gateways.Keys.Except(gateways).ToList())
            _gateways.Remove(gone);
        foreach (var gateway in gateways)
            _gateways.TryAdd(gateway, new Asked { Next = now });
    }

    /// <summary>A gateway answered this node, or the kernel found that it does.</summary>
    public void Answered(DefaultGateway gateway, long now)
    {
        if (!_gateways.TryGetValue(gateway, out var asked))
            return;
        _everAnswered.Add(gateway.Family);
        (asked.Next, asked.IsWaiting, asked.Misses) = (now + Every, false, 0);
    }

    /// <summary>Counts the answers that did not come, and says who is to be asked now.</summary>
    /// <returns>The gateways, and whether each answered last time.</returns>
    public IReadOnlyList<(DefaultGateway Gateway, bool Answers)> TakeDue(long now)
    {
        if (!_isNeeded)
            return [];
        var due = new List<(DefaultGateway, bool)>();
        foreach (var (gateway, asked) in _gateways)
        {
            if (asked.Next > now)
                continue;
            if (asked.IsWaiting && asked.Misses < MostMisses && now - asked.Next < Late)
                asked.Misses++;
            due.Add((gateway, asked is { Misses: 0 }));
            (asked.Next, asked.IsWaiting) = (now + Every, true);
        }

        return due;
    }
}
