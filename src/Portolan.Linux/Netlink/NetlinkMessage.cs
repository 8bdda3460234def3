using System.Runtime.InteropServices;

namespace Portolan.Linux.Netlink;

/// <summary>One netlink message, a view of the bytes it was received in.</summary>
public readonly ref struct NetlinkMessage
{
    internal const int HeaderSize = 16;

    internal NetlinkMessage(ReadOnlySpan<byte> bytes)
    {
        Type = MemoryMarshal.Read<ushort>(bytes[4..]);
        Flags = (NetlinkFlags)MemoryMarshal.Read<ushort>(bytes[6..]);
        Sequence = MemoryMarshal.Read<uint>(bytes[8..]);
        PortId = MemoryMarshal.Read<uint>(bytes[12..]);
        Payload = bytes[HeaderSize..];
    }

    /// <summary>nlmsg_type.</summary>
    public ushort Type { get; }

    /// <summary>nlmsg_flags.</summary>
    public NetlinkFlags Flags { get; }

    /// <summary>nlmsg_seq.</summary>
    public uint Sequence { get; }

    /// <summary>nlmsg_pid: the socket whose request this answers or was caused by.</summary>
    public uint PortId { get; }

    /// <summary>Everything after the header.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The attributes after a fixed header of this size; none where the message is shorter than that.</summary>
    public NetlinkAttributes Attributes(int fixedHeaderSize)
    {
        var aligned = (fixedHeaderSize + 3) & ~3;
        return new NetlinkAttributes(Payload.Length > aligned ? Payload[aligned..] : default);
    }
}

/// <summary>The messages of one datagram, for <c>foreach</c>. A malformed rest ends the enumeration.</summary>
public ref struct NetlinkMessages
{
    private ReadOnlySpan<byte> _rest;
    private ReadOnlySpan<byte> _current;

    /// <summary>Reads the messages of these bytes.</summary>
    public NetlinkMessages(ReadOnlySpan<byte> datagram) => _rest = datagram;

    /// <summary>The message the enumeration stands at.</summary>
    public readonly NetlinkMessage Current => new(_current);

    /// <summary>Itself.</summary>
    public readonly NetlinkMessages GetEnumerator() => this;

    /// <summary>Goes on to the next message.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < NetlinkMessage.HeaderSize)
            return false;
        var length = MemoryMarshal.Read<uint>(_rest);
        if (length < NetlinkMessage.HeaderSize || length > (uint)_rest.Length)
            return false;
        _current = _rest[..(int)length];
        _rest = _rest[Math.Min(_rest.Length, ((int)length + 3) & ~3)..];
        return true;
    }
}
