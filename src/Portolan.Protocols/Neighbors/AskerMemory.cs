using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Neighbors;

/// <summary>A client, and an address it asked for.</summary>
/// <param name="Mac">The client's hardware address.</param>
/// <param name="Address">The client's address, to which an answer goes.</param>
/// <param name="Target">The address it asked for.</param>
/// <typeparam name="T">An address of one family.</typeparam>
public readonly record struct Asker<T>(MacAddress Mac, T Address, T Target)
    where T : struct, IEquatable<T>;

/// <summary>
/// Remembers who asked for which address, the latest askers only, whatever their number: so that they can be told when somebody else is to
/// answer them. Noting an asker allocates nothing once the memory has grown. Any number of threads.
/// </summary>
/// <param name="capacity">The most that is remembered; then the one that has not asked for longest is forgotten.</param>
/// <typeparam name="T">An address of one family.</typeparam>
public sealed class AskerMemory<T>(int capacity = AskerMemory<T>.DefaultCapacity)
    where T : struct, IEquatable<T>
{
    /// <summary>So many clients and addresses: 4,096 clients of four addresses each, or any other product.</summary>
    public const int DefaultCapacity = 16_384;

    private const int None = -1;

    private readonly Lock _gate = new();
    private readonly Dictionary<(MacAddress, T), int> _slots = [];

    // A ring of slots by the time of the last question, the latest first, held in arrays: an entry is no object.
    private Entry[] _entries = [];
    private int _latest = None;
    private int _oldest = None;
    private long _version;

    private struct Entry
    {
        public Asker<T> Asker;
        public bool IsAnswered;
        public int Later;
        public int Earlier;
    }

    /// <summary>How many are remembered.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _slots.Count;
        }
    }

    /// <summary>Another number whenever <see cref="WhereAnswered"/> would give others.</summary>
    public long Version
    {
        get
        {
            lock (_gate)
                return _version;
        }
    }

    /// <summary>Somebody asked. What is remembered of the same client and target is replaced.</summary>
    /// <param name="asker">Who, and for what.</param>
    /// <param name="isAnswered">This node answers.</param>
    public void Note(in Asker<T> asker, bool isAnswered = false)
    {
        lock (_gate)
        {
            var key = (asker.Mac, asker.Target);
            if (_slots.TryGetValue(key, out var slot))
                Unlink(slot);
            else
                _slots[key] = slot = Free();
            ref var entry = ref _entries[slot];
            if (entry.IsAnswered != isAnswered || isAnswered && !entry.Asker.Equals(asker))
                _version++;
            (entry.Asker, entry.IsAnswered) = (asker, isAnswered);
            Lead(slot);
        }
    }

    /// <summary>Somebody asked another node for the address. What is remembered already stays as it is.</summary>
    /// <returns>Whether it was not known.</returns>
    public bool Learn(in Asker<T> asker)
    {
        lock (_gate)
        {
            if (_slots.ContainsKey((asker.Mac, asker.Target)))
                return false;
            Note(asker);
            return true;
        }
    }

    /// <summary>This node answers somebody, who asked before.</summary>
    public void Answered(in Asker<T> asker)
    {
        lock (_gate)
        {
            if (!_slots.TryGetValue((asker.Mac, asker.Target), out var slot) || _entries[slot].IsAnswered)
                return;
            _entries[slot].IsAnswered = true;
            _version++;
        }
    }

    /// <summary>All that are remembered, the latest first.</summary>
    public Asker<T>[] ToArray()
    {
        lock (_gate)
        {
            var askers = new Asker<T>[_slots.Count];
            var i = 0;
            for (var slot = _latest; slot != None; slot = _entries[slot].Earlier)
                askers[i++] = _entries[slot].Asker;
            return askers;
        }
    }

    /// <summary>Those that this node answered, and no other since, as far as it heard them ask; the latest first.</summary>
    public List<Asker<T>> WhereAnswered()
    {
        var askers = new List<Asker<T>>();
        lock (_gate)
            for (var slot = _latest; slot != None; slot = _entries[slot].Earlier)
                if (_entries[slot].IsAnswered)
                    askers.Add(_entries[slot].Asker);
        return askers;
    }

    private int Free()
    {
        var used = _slots.Count;
        if (used == capacity)
        {
            var oldest = _oldest;
            _slots.Remove((_entries[oldest].Asker.Mac, _entries[oldest].Asker.Target));
            Unlink(oldest);
            return oldest;
        }

        // Slots are taken in order, and given up only to be taken again at once.
        if (used == _entries.Length)
            Array.Resize(ref _entries, Math.Min(capacity, Math.Max(16, 2 * used)));
        return used;
    }

    private void Lead(int slot)
    {
        (_entries[slot].Later, _entries[slot].Earlier) = (None, _latest);
        if (_latest != None)
            _entries[_latest].Later = slot;
        else
            _oldest = slot;
        _latest = slot;
    }

    private void Unlink(int slot)
    {
        var (later, earlier) = (_entries[slot].Later, _entries[slot].Earlier);
        if (later != None)
            _entries[later].Earlier = earlier;
        else
            _latest = earlier;
        if (earlier != None)
            _entries[earlier].Later = later;
        else
            _oldest = later;
    }
}
