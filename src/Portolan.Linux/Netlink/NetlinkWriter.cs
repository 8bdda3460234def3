using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Portolan.Linux.Netlink;

/// <summary>
/// Writes netlink messages and their attributes one after the other into a buffer that grows and is used again,
/// so that a writer kept by its owner stops allocating once it has seen its largest batch of the usual size.
/// Numbers are in the machine's order unless a method says otherwise.
/// </summary>
public sealed class NetlinkWriter
{
    private const int HeaderSize = 16;

    // A whole table of thousands of Services takes megabytes once; what changes afterwards takes kilobytes.
    private const int MostKept = 256 << 10;
    private byte[] _buffer;
    private int _length;
    private int _message = -1;

    /// <summary>An empty writer.</summary>
    /// <param name="capacity">Bytes to reserve at first.</param>
    public NetlinkWriter(int capacity = 512) => _buffer = new byte[capacity];

    /// <summary>Everything written since the last <see cref="Reset"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Bytes written since the last <see cref="Reset"/>.</summary>
    public int Length => _length;

    /// <summary>Bytes that fit before the buffer grows.</summary>
    internal int Capacity => _buffer.Length;

    /// <summary>Forgets what was written and keeps the buffer.</summary>
    public void Reset() => (_length, _message) = (0, -1);

    /// <summary>Forgets what was written together with the buffer, if that is larger than is usual.</summary>
    internal void ReleaseIfLarge()
    {
        if (_buffer.Length <= MostKept)
            return;
        Reset();
        _buffer = new byte[512];
    }

    /// <summary>Makes room for about so many bytes at once, instead of step by step.</summary>
    public void Expect(int bytes)
    {
        if (bytes > _buffer.Length)
            Grow(bytes);
    }

    // What is beyond the length is cleared when it is taken.
    private void Grow(int capacity)
    {
        var larger = GC.AllocateUninitializedArray<byte>(capacity);
        Written.CopyTo(larger);
        _buffer = larger;
    }

    /// <summary>Starts a message (struct nlmsghdr).</summary>
    public void BeginMessage(ushort type, NetlinkFlags flags, uint sequence = 0)
    {
        if (_message >= 0)
            throw new InvalidOperationException("the message before is still open");
        _message = _length;
        var header = Reserve(HeaderSize);
        MemoryMarshal.Write(header[4..], type);
        MemoryMarshal.Write(header[6..], (ushort)flags);
        MemoryMarshal.Write(header[8..], sequence);
    }

    /// <summary>Ends the message: fills in its length.</summary>
    public void EndMessage()
    {
        if (_message < 0)
            throw new InvalidOperationException("no message is open");
        MemoryMarshal.Write(_buffer.AsSpan(_message), _length - _message);
        _message = -1;
    }

    /// <summary>Takes the next bytes, zeroed and padded to a multiple of 4, for a fixed header such as struct ifinfomsg. Valid until the next write.</summary>
    public Span<byte> Reserve(int size)
    {
        var aligned = (size + 3) & ~3;
        if (_length + aligned > _buffer.Length)
            Grow(Math.Max(_buffer.Length * 2, _length + aligned));
        var span = _buffer.AsSpan(_length, aligned);
        span.Clear();
        _length += aligned;
        return span[..size];
    }

    /// <summary>Opens a nested attribute (NLA_F_NESTED).</summary>
    /// <returns>What <see cref="EndNested"/> wants.</returns>
    public int BeginNested(ushort type)
    {
        var start = _length;
        MemoryMarshal.Write(Reserve(4)[2..], (ushort)(type | 0x8000));
        return start;
    }

    /// <summary>Closes a nested attribute.</summary>
    /// <exception cref="InvalidOperationException">It is longer than the 65,535 bytes an attribute can have.</exception>
    public void EndNested(int start)
    {
        var length = _length - start;
        if (length > ushort.MaxValue)
            throw new InvalidOperationException($"an attribute of {length} bytes cannot be sent");
        MemoryMarshal.Write(_buffer.AsSpan(start), (ushort)length);
    }

    /// <summary>An attribute with these bytes.</summary>
    public void Put(ushort type, ReadOnlySpan<byte> value) => value.CopyTo(Attribute(type, value.Length));

    /// <summary>An attribute without a value.</summary>
    public void PutFlag(ushort type) => Attribute(type, 0);

    /// <summary>An attribute of one byte.</summary>
    public void PutByte(ushort type, byte value) => Attribute(type, 1)[0] = value;

    /// <summary>An attribute of two bytes.</summary>
    public void PutUInt16(ushort type, ushort value) => MemoryMarshal.Write(Attribute(type, 2), value);

    /// <summary>An attribute of four bytes.</summary>
    public void PutUInt32(ushort type, uint value) => MemoryMarshal.Write(Attribute(type, 4), value);

    /// <summary>An attribute of eight bytes.</summary>
    public void PutUInt64(ushort type, ulong value) => MemoryMarshal.Write(Attribute(type, 8), value);

    /// <summary>An attribute of two bytes, network order.</summary>
    public void PutUInt16BigEndian(ushort type, ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Attribute(type, 2), value);

    /// <summary>An attribute of four bytes, network order.</summary>
    public void PutUInt32BigEndian(ushort type, uint value) => BinaryPrimitives.WriteUInt32BigEndian(Attribute(type, 4), value);

    /// <summary>An attribute of eight bytes, network order.</summary>
    public void PutUInt64BigEndian(ushort type, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Attribute(type, 8), value);

    /// <summary>A zero-terminated string.</summary>
    public void PutString(ushort type, string value) =>
        Encoding.UTF8.GetBytes(value, Attribute(type, Encoding.UTF8.GetByteCount(value) + 1));

    /// <summary>Takes an attribute's value of this size, zeroed, to be filled in place. Valid until the next write.</summary>
    public Span<byte> Attribute(ushort type, int size)
    {
        if (size + 4 > ushort.MaxValue)
            throw new InvalidOperationException($"an attribute of {size} bytes cannot be sent");
        var span = Reserve(4 + size);
        MemoryMarshal.Write(span, (ushort)(4 + size));
        MemoryMarshal.Write(span[2..], type);
        return span[4..];
    }

    /// <summary>Adds flags to the message that starts at an offset.</summary>
    internal void AddFlags(int message, NetlinkFlags flags)
    {
        var span = _buffer.AsSpan(message + 6);
        MemoryMarshal.Write(span, (ushort)(MemoryMarshal.Read<ushort>(span) | (ushort)flags));
    }

    /// <summary>Numbers the message that starts at an offset.</summary>
    internal void SetSequence(int message, uint sequence) => MemoryMarshal.Write(_buffer.AsSpan(message + 8), sequence);

    /// <summary>Numbers the messages from one offset to another, and adds flags to each.</summary>
    /// <returns>How many there are.</returns>
    internal int Number(int from, int to, NetlinkFlags flags, uint first)
    {
        var count = 0;
        for (var message = from; message < to; message += (MemoryMarshal.Read<int>(_buffer.AsSpan(message)) + 3) & ~3)
        {
            AddFlags(message, flags);
            SetSequence(message, first + (uint)count++);
        }

        return count;
    }

    /// <summary>Gives every message the same number.</summary>
    internal void SetSequences(uint sequence) => SetSequences(sequence, 0, _length);

    /// <summary>Gives every message from one offset to another the same number.</summary>
    internal void SetSequences(uint sequence, int from, int to)
    {
        for (var message = from; message < to; message += (MemoryMarshal.Read<int>(_buffer.AsSpan(message)) + 3) & ~3)
            SetSequence(message, sequence);
    }
}
