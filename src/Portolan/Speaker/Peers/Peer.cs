using Portolan.Core.Addresses;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Peers;

/// <summary>A speaker that this one talks to, and what it must be told.</summary>
internal sealed class Peer(string node, IpAddress address)
{
    private readonly Dictionary<RecordKey, (int Copies, long At)> _pending = [];
    private readonly List<RecordKey> _written = [];

    /// <summary>Its node.</summary>
    public string Node => node;

    /// <summary>Its node, as datagrams name it.</summary>
    public ulong Id { get; } = PeerNode.IdOf(node);

    /// <summary>Where it is.</summary>
    public IpAddress Address => address;

    /// <summary>Whether its datagrams are of the present.</summary>
    public PeerLink Link { get; } = new();

    /// <summary>The number to challenge it with, once.</summary>
    public ulong? Challenge { get; set; }

    /// <summary>The number to answer it with, once.</summary>
    public ulong? Answer { get; set; }

    /// <summary>When it is told everything again, microseconds.</summary>
    public long WholeAt { get; set; }

    /// <summary>When what it lacks of others' records may be sent again, microseconds.</summary>
    public long RepairsAgainAt { get; set; } = long.MinValue;

    /// <summary>When a datagram is due, microseconds.</summary>
    public long Deadline => Math.Min(WholeAt, _nextAt);

    private long _nextAt = long.MaxValue;

    /// <summary>It must be told a record, some times over.</summary>
    public void Add(RecordKey key, int copies, long now)
    {
        // What is due anyway, or in a moment for the second time, is not hurried for being told again.
        if (copies == 1 && _pending.ContainsKey(key))
            return;
        _pending[key] = (copies, now);
        _nextAt = Math.Min(_nextAt, now);
    }

    /// <summary>Writes what is due and fits; what does not is due still.</summary>
    public void Fill(ref PeerDatagramWriter writer, PeerRecords records, long now)
    {
        _written.Clear();
        _nextAt = long.MaxValue;
        foreach (var (key, (copies, at)) in _pending)
        {
            if (at > now)
                _nextAt = Math.Min(_nextAt, at);
            else if (records.Find(key) is not { } body || writer.TryAdd(key.Type, key.Part, body))
                _written.Add(key);
            else
                _nextAt = now;
        }

        foreach (var key in _written)
        {
            var copies = _pending[key].Copies - 1;
            if (copies <= 0)
            {
                _pending.Remove(key);
                continue;
            }

            _pending[key] = (copies, now + PeerExchange.SecondCopyAfter);
            _nextAt = Math.Min(_nextAt, now + PeerExchange.SecondCopyAfter);
        }
    }
}
