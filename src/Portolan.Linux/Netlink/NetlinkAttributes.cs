using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Portolan.Linux.Netlink;

/// <summary>One attribute (struct nlattr), a view of the bytes it was received in. Numbers shorter than asked for read as 0.</summary>
public readonly ref struct NetlinkAttribute
{
    internal NetlinkAttribute(ushort type, ReadOnlySpan<byte> value)
    {
        Type = type;
        Value = value;
    }

    /// <summary>nla_type without the nested and byte-order flags.</summary>
    public ushort Type { get; }

    /// <summary>The value without padding.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>The attributes inside this one.</summary>
    public NetlinkAttributes Nested => new(Value);

    /// <summary>The value as one byte.</summary>
    public byte AsByte => Value.Length >= 1 ? Value[0] : (byte)0;

    /// <summary>The value as a number in the machine's order.</summary>
    public ushort AsUInt16 => Value.Length >= 2 ? MemoryMarshal.Read<ushort>(Value) : (ushort)0;

    /// <summary>The value as a number in the machine's order.</summary>
    public uint AsUInt32 => Value.Length >= 4 ? MemoryMarshal.Read<uint>(Value) : 0;

    /// <summary>The value as a number in the machine's order.</summary>
    public ulong AsUInt64 => Value.Length >= 8 ? MemoryMarshal.Read<ulong>(Value) : 0;

    /// <summary>The value as a number in network order.</summary>
    public ushort AsUInt16BigEndian => Value.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(Value) : (ushort)0;

    /// <summary>The value as a number in network order.</summary>
    public uint AsUInt32BigEndian => Value.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(Value) : 0;

    /// <summary>The value as a number in network order.</summary>
    public ulong AsUInt64BigEndian => Value.Length >= 8 ? BinaryPrimitives.ReadUInt64BigEndian(Value) : 0;

    /// <summary>The value as text up to its first zero byte.</summary>
    public string AsString
    {
        get
        {
            var end = Value.IndexOf((byte)0);
            return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
        }
    }
}

/// <summary>The attributes of a message or of another attribute, for <c>foreach</c>. A malformed rest ends the enumeration.</summary>
public ref struct NetlinkAttributes
{
    private ReadOnlySpan<byte> _rest;
    private ReadOnlySpan<byte> _value;
    private ushort _type;

    /// <summary>Reads the attributes of these bytes.</summary>
    public NetlinkAttributes(ReadOnlySpan<byte> bytes) => _rest = bytes;

    /// <summary>The attribute the enumeration stands at.</summary>
    public readonly NetlinkAttribute Current => new(_type, _value);

    /// <summary>Itself.</summary>
    public readonly NetlinkAttributes GetEnumerator() => this;

    /// <summary>Goes on to the next attribute.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < 4)
            return false;
        int length = MemoryMarshal.Read<ushort>(_rest);
        if (length < 4 || length > _rest.Length)
            return false;
        _type = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & 0x3fff);
        _value = _rest[4..length];
        _rest = _rest[Math.Min(_rest.Length, (length + 3) & ~3)..];
        return true;
    }

    /// <summary>The first attribute of a type.</summary>
    public readonly bool TryFind(ushort type, out NetlinkAttribute attribute)
    {
        foreach (var candidate in this)
        {
            if (candidate.Type != type)
                continue;
            attribute = candidate;
            return true;
        }

        attribute = default;
        return false;
    }
}
