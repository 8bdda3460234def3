using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Peers;

/// <summary>Which record: of one of these the newest counts.</summary>
/// <param name="Origin">The node whose speaker says it.</param>
/// <param name="Type">What it is.</param>
/// <param name="Part">Which of several of its type.</param>
internal readonly record struct RecordKey(ulong Origin, PeerItemType Type, byte Part);

/// <summary>How a record relates to what was held.</summary>
internal enum RecordNews : byte
{
    /// <summary>It is older, or there is no room for it.</summary>
    Old,

    /// <summary>It is the one that is held.</summary>
    Same,

    /// <summary>It takes the place of an older one.</summary>
    New,
}

/// <summary>The newest of all speakers' records, and their digest. An origin's former lives are forgotten once it is heard in a new one. Not thread safe.</summary>
internal sealed class PeerRecords
{
    /// <summary>The most bytes that are kept of one origin.</summary>
    public const int MostBytes = 64 * 1024;

    private readonly Dictionary<RecordKey, byte[]> _records = [];
    private readonly Dictionary<ulong, Origin> _origins = [];
    private PeerDigest _digest;

    /// <summary>All that is held, in short.</summary>
    public PeerDigest Digest => _digest;

    /// <summary>An item's body that says the record, or null.</summary>
    public byte[]? Find(RecordKey key) => _records.GetValueOrDefault(key);

    /// <summary>The payload of a record; empty when there is none.</summary>
    public byte[] Payload(RecordKey key) => _records.TryGetValue(key, out var body) ? body[PeerRecord.HeaderSize..] : [];

    /// <summary>The records of an origin.</summary>
    public IReadOnlyCollection<RecordKey> Of(ulong origin) => _origins.TryGetValue(origin, out var known) ? known.Keys : [];

    /// <summary>The present life of an origin, or zero.</summary>
    public ulong IncarnationOf(ulong origin) => _origins.TryGetValue(origin, out var known) ? known.Incarnation : 0;

    /// <summary>The records of the origins of a bucket of the digest.</summary>
    public IEnumerable<RecordKey> In(int bucket) =>
        _origins.Where(origin => PeerDigest.BucketOf(origin.Key) == bucket).SelectMany(origin => origin.Value.Keys);

    /// <summary>Takes an item's body.</summary>
    public RecordNews Take(PeerItemType type, byte part, ReadOnlySpan<byte> body)
    {
        if (!PeerRecord.TryParse(body, out var record))
            return RecordNews.Old;
        var key = new RecordKey(record.Origin, type, part);
        if (!_origins.TryGetValue(record.Origin, out var origin))
            _origins[record.Origin] = origin = new Origin();
        if (record.Incarnation < origin.Incarnation)
            return RecordNews.Old;
        if (record.Incarnation > origin.Incarnation)
        {
            Forget(record.Origin);
            _origins[record.Origin] = origin = new Origin { Incarnation = record.Incarnation };
        }

        if (_records.TryGetValue(key, out var held) && PeerRecord.TryParse(held, out var known) && record.Sequence <= known.Sequence)
            return record.Sequence == known.Sequence ? RecordNews.Same : RecordNews.Old;
        var bytes = origin.Bytes - (held?.Length ?? 0) + body.Length;
        if (bytes > MostBytes)
            return RecordNews.Old;
        if (held is not null)
            Count(key, held, remove: true);
        var copy = body.ToArray();
        (_records[key], origin.Bytes) = (copy, bytes);
        origin.Keys.Add(key);
        Count(key, copy, remove: false);
        return RecordNews.New;
    }

    /// <summary>Forgets all records of an origin.</summary>
    public void Forget(ulong origin)
    {
        if (!_origins.Remove(origin, out var known))
            return;
        foreach (var key in known.Keys)
            if (_records.Remove(key, out var body))
                Count(key, body, remove: true);
    }

    private void Count(RecordKey key, byte[] body, bool remove)
    {
        if (!PeerRecord.TryParse(body, out var record))
            return;
        if (remove)
            _digest.Remove(key.Origin, (byte)key.Type, key.Part, record.Incarnation, record.Sequence);
        else
            _digest.Add(key.Origin, (byte)key.Type, key.Part, record.Incarnation, record.Sequence);
    }

    private sealed class Origin
    {
        public ulong Incarnation;
        public int Bytes;
        public HashSet<RecordKey> Keys { get; } = [];
    }
}
