using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>What a block holds: readers for whom it is equal are sent the same.</summary>
/// <param name="Shape">How it is written.</param>
/// <param name="First">The version of the first entry.</param>
/// <param name="Given">The version up to which the reader was given anything: of what was announced later and withdrawn, it need not know.</param>
/// <param name="IPv4Taken">The version up to which IPv4 entries are passed over, having been taken; 0: none.</param>
/// <param name="IPv6Taken">The same for IPv6.</param>
internal readonly record struct BlockKey(EncodingShape Shape, long First, long Given, long IPv4Taken, long IPv6Taken);

/// <summary>
/// Whole UPDATEs for a run of entries, but for the values of the next hops: written once, then copied to every reader that stands at its begin. Changed only
/// while nobody has it.
/// </summary>
internal sealed class UpdateBlock
{
    private byte[] _bytes = [];
    private int _size;
    private Message[] _messages = [];

    // NextHop: where its bytes go, 0 where there is none.
    private readonly record struct Message(int End, int NextHop, BgpFamily Family);

    /// <summary>What it holds.</summary>
    public BlockKey Key { get; private set; }

    /// <summary>How many messages.</summary>
    public int Count { get; private set; }

    /// <summary>How many routes are announced or withdrawn.</summary>
    public int Routes { get; private set; }

    /// <summary>The last of the entries. In its place as long as the block is cached.</summary>
    public RouteEntry? Last { get; private set; }

    /// <summary>The version of <see cref="Last"/> when the block was written.</summary>
    public long LastVersion { get; private set; }

    /// <summary>How many readers copy from it.</summary>
    public int Users { get; set; }

    /// <summary>Whether more may come.</summary>
    public bool IsCached { get; set; }

    /// <summary>How much memory it keeps.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>Begins anew.</summary>
    /// <param name="key">What it will hold.</param>
    /// <param name="size">About how many bytes it will take.</param>
    public void Begin(in BlockKey key, int size)
    {
        (Key, Count, _size) = (key, 0, 0);
        if (_bytes.Length < size)
            _bytes = GC.AllocateUninitializedArray<byte>(size);
    }

    /// <summary>Nothing more is added.</summary>
    /// <param name="last">The last of the entries.</param>
    /// <param name="routes">How many of them are sent.</param>
    public void End(RouteEntry last, int routes) => (Last, LastVersion, Routes) = (last, last.Version, routes);

    /// <summary>Lets go of the entry.</summary>
    public void Clear() => Last = null;

    /// <summary>Room for a message.</summary>
    public Span<byte> BeginMessage(int longest)
    {
        if (_bytes.Length - _size < longest)
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _size + longest));
        return _bytes.AsSpan(_size, longest);
    }

    /// <summary>Adds the message that was written there.</summary>
    /// <param name="size">How many bytes.</param>
    /// <param name="family">Whose routes it tells of.</param>
    /// <param name="nextHop">Where in it the next hop goes; 0: nowhere.</param>
    public void EndMessage(int size, BgpFamily family, int nextHop)
    {
        UpdateFrame.WriteHeader(_bytes.AsSpan(_size), size);
        if (Count == _messages.Length)
            Array.Resize(ref _messages, Math.Max(4, 2 * Count));
        _messages[Count++] = new Message(_size + size, nextHop == 0 ? 0 : _size + nextHop, family);
        _size += size;
    }

    /// <summary>Takes the last message away again.</summary>
    public void RemoveMessage() => _size = --Count == 0 ? 0 : _messages[Count - 1].End;

    /// <summary>Copies as many messages as there is room for, with the next hops filled in.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="next">The first message to copy; then the first that was not.</param>
    /// <param name="ipv4NextHop">The next hop of IPv4 routes.</param>
    /// <param name="ipv6NextHop">The next hop of IPv6 routes.</param>
    /// <returns>How many bytes.</returns>
    public int CopyTo(Span<byte> destination, ref int next, ReadOnlySpan<byte> ipv4NextHop, ReadOnlySpan<byte> ipv6NextHop)
    {
        var begin = next == 0 ? 0 : _messages[next - 1].End;
        var (first, end) = (next, begin);
        for (; next < Count && _messages[next].End - begin <= destination.Length; next++)
            end = _messages[next].End;
        _bytes.AsSpan(begin, end - begin).CopyTo(destination);
        foreach (ref readonly var message in _messages.AsSpan(first, next - first))
            if (message.NextHop != 0)
                (message.Family is BgpFamily.IPv4Unicast ? ipv4NextHop : ipv6NextHop).CopyTo(destination[(message.NextHop - begin)..]);
        return end - begin;
    }
}
