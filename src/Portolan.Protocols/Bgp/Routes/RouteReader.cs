using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>
/// A peer's place in a <see cref="RouteTable"/>, from Established to the session's end: gives the UPDATEs that are yet to be sent. Readers that stand at the
/// same place with the same terms share the bytes. For one thread at a time; the properties for any.
/// </summary>
public sealed class RouteReader : IDisposable
{
    private readonly RouteTable _table;
    private readonly EncodingShape _shape;
    private readonly byte[] _ipv4NextHop;
    private readonly byte[] _ipv6NextHop;

    private UpdateBlock? _block;
    private int _next;
    private bool _blockIsEnd;
    private long _given;
    private long _ipv4Taken;
    private long _ipv6Taken;
    private bool _isDisposed;

    internal RouteReader(RouteTable table, EncodingTerms terms)
    {
        (_table, Terms, _shape) = (table, terms, terms.Shape);
        (_ipv4NextHop, _ipv6NextHop) = (Bytes(terms.IPv4NextHop), Bytes(terms.IPv6NextHop));
    }

    /// <summary>How routes are written to the peer.</summary>
    public EncodingTerms Terms { get; }

    /// <summary>Whether there is nothing to be sent now.</summary>
    public bool IsCaughtUp => _table.IsCaughtUp(this);

    /// <summary>
    /// Whether all that was in the table at some moment since the begin, or since <see cref="Restart"/>, has been filled in: then End-of-RIB is due
    /// (RFC 4724 §3), or the end of the refresh (RFC 7313 §4). Stays true.
    /// </summary>
    public bool IsSynchronized { get; private set; }

    /// <summary>The version of the table up to which all changes have been filled in.</summary>
    public long SentVersion { get; private set; }

    /// <summary>How many routes are yet to be filled in, withdrawn ones included; a block that has been begun counts as a whole. Takes as long as there are.</summary>
    public int Pending => _table.Pending(this);

    internal RoutePlace Place { get; } = new();

    /// <summary>The block that has not been copied as a whole yet.</summary>
    internal UpdateBlock? Block => _block;

    /// <summary>Writes what is to be sent next, as many whole messages as there is room for.</summary>
    /// <param name="destination">At least as long as the longest message (<see cref="EncodingTerms.LongestSent"/>), or nothing may fit.</param>
    /// <returns>How many bytes. With 0 there is nothing to send, if there was room.</returns>
    public int Fill(Span<byte> destination)
    {
        var size = 0;
        while (_block is not null || destination.Length - size >= _shape.LongestSent && !_isDisposed && _table.Next(this))
        {
            size += _block!.CopyTo(destination[size..], ref _next, _ipv4NextHop, _ipv6NextHop);
            if (_next < _block.Count)
                break;
            _table.Release(this);
        }

        return size;
    }

    /// <summary>Whether the peer has been sent what is announced of the prefix.</summary>
    public bool IsSent(BgpPrefix prefix) => (Terms.Families & Flag(prefix.Family)) != 0 && _table.IsSent(this, prefix);

    /// <summary>Whether what is announced of the prefix is yet to be sent to the peer.</summary>
    public bool IsPending(BgpPrefix prefix) => (Terms.Families & Flag(prefix.Family)) != 0 && _table.IsPending(this, prefix);

    /// <summary>Begins again with all routes of a family (RFC 2918); what else is pending is sent along.</summary>
    public void Restart(BgpFamily family)
    {
        if (!_isDisposed)
            _table.Restart(this, Flag(family));
    }

    /// <summary>Gives up the place.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _table.Remove(this);
    }

    // What follows is the table's, in its lock.

    internal BlockKey KeyFrom(long first) =>
        new(_shape, first, _given, _ipv4Taken < first ? 0 : _ipv4Taken, _ipv6Taken < first ? 0 : _ipv6Taken);

    internal void Take(UpdateBlock block, long version, bool isEnd)
    {
        (_block, _next, _blockIsEnd) = (block, 0, isEnd);
        _given = Math.Max(_given, version);
        _ipv4Taken = Math.Max(_ipv4Taken, version);
        _ipv6Taken = Math.Max(_ipv6Taken, version);
    }

    internal UpdateBlock? GiveBack()
    {
        if (_block is not { } block)
            return null;
        _block = null;
        if (_next < block.Count)
            return block;
        SentVersion = _given;
        IsSynchronized |= _blockIsEnd;
        return block;
    }

    internal void Reached(long version)
    {
        (_given, _ipv4Taken, _ipv6Taken, SentVersion) = (version, version, version, version);
        IsSynchronized = true;
    }

    internal void Forget(BgpFamilies families)
    {
        IsSynchronized = false;
        _blockIsEnd = false;
        if ((families & BgpFamilies.IPv4Unicast) != 0)
            _ipv4Taken = 0;
        if ((families & BgpFamilies.IPv6Unicast) != 0)
            _ipv6Taken = 0;
    }

    private static BgpFamilies Flag(BgpFamily family) => family is BgpFamily.IPv4Unicast ? BgpFamilies.IPv4Unicast : BgpFamilies.IPv6Unicast;

    private static byte[] Bytes(NextHop? nextHop)
    {
        var bytes = new byte[nextHop?.Size ?? 0];
        nextHop?.WriteTo(bytes);
        return bytes;
    }
}
