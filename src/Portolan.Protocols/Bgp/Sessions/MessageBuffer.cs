using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>The message of a connection that has not arrived whole. Memory is taken only when one does not, and 65535 bytes only when one is that long.</summary>
internal sealed class MessageBuffer
{
    private byte[] _bytes = [];
    private int _count;

    /// <summary>What has arrived.</summary>
    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, _count);

    /// <summary>Whether there is nothing.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Adds the first of some bytes, as many as are missing.</summary>
    /// <param name="bytes">What arrived.</param>
    /// <param name="upTo">How many bytes to hold at most: a header's, or a message's whose length was checked.</param>
    /// <returns>How many were taken.</returns>
    public int Fill(ReadOnlySpan<byte> bytes, int upTo)
    {
        var taken = Math.Min(bytes.Length, upTo - _count);
        if (_bytes.Length < _count + taken)
            Array.Resize(ref _bytes, upTo <= BgpFraming.Longest ? BgpFraming.Longest : BgpFraming.LongestExtended);
        bytes[..taken].CopyTo(_bytes.AsSpan(_count));
        _count += taken;
        return taken;
    }

    /// <summary>Forgets what has arrived; the memory stays.</summary>
    public void Clear() => _count = 0;

    /// <summary>Forgets what has arrived, and the memory of a long message.</summary>
    public void Reset()
    {
        _count = 0;
        if (_bytes.Length > BgpFraming.Longest)
            _bytes = [];
    }
}
