using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Peers;

/// <summary>What an entry of a <see cref="WireMessage"/> is.</summary>
public enum WireEntryType : byte
{
    /// <summary>A hardware address of the sender's own: 6 bytes.</summary>
    OwnMac = 1,

    /// <summary>Nobody answers for an address: its 4 or 16 bytes.</summary>
    Silence = 2,

    /// <summary>One of several who answer for an address: 6 bytes of hardware address, and the address.</summary>
    Answer = 3,
}

/// <summary>An entry of a <see cref="WireMessage"/>: <c>| type (1) | length (1) | value |</c>.</summary>
/// <param name="type">What it is.</param>
/// <param name="value">The value.</param>
public readonly ref struct WireEntry(WireEntryType type, ReadOnlySpan<byte> value)
{
    /// <summary>What it is; types that are not known are passed over.</summary>
    public WireEntryType Type { get; } = type;

    /// <summary>The hardware address, where the type has one.</summary>
    public MacAddress Mac => Type is WireEntryType.Silence ? default : MacAddress.Read(Value);

    /// <summary>The address's 4 or 16 bytes, where the type has one.</summary>
    public ReadOnlySpan<byte> Address => Type is WireEntryType.Silence ? Value : Value[MacAddress.Size..];

    private ReadOnlySpan<byte> Value { get; } = value;
}

/// <summary>
/// How a speaker is found on the wire, and what it found when it asked there for announced addresses as a client would: the payload of a
/// <see cref="PeerItemType.QueryResults"/> record, entry after entry.
/// </summary>
public ref struct WireMessage
{
    private ReadOnlySpan<byte> _rest;

    private WireMessage(ReadOnlySpan<byte> entries)
    {
        _rest = entries;
        Current = default;
    }

    /// <summary>The present entry.</summary>
    public WireEntry Current { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly WireMessage GetEnumerator() => this;

    /// <summary>Goes on to the next entry of a known type.</summary>
    public bool MoveNext()
    {
        while (!_rest.IsEmpty)
        {
            var type = (WireEntryType)_rest[0];
            Current = new WireEntry(type, _rest.Slice(2, _rest[1]));
            _rest = _rest[(2 + _rest[1])..];
            if (type is WireEntryType.OwnMac or WireEntryType.Silence or WireEntryType.Answer)
                return true;
        }

        return false;
    }

    /// <summary>Reads a record's payload.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out WireMessage message)
    {
        message = default;
        for (var rest = payload; !rest.IsEmpty; rest = rest[(2 + rest[1])..])
            if (rest.Length < 2 || rest.Length < 2 + rest[1] || !Allows((WireEntryType)rest[0], rest[1]))
                return false;
        message = new WireMessage(payload);
        return true;
    }

    /// <summary>Writes an entry.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="type">What it is.</param>
    /// <param name="mac">The hardware address, where the type has one.</param>
    /// <param name="address">The address's 4 or 16 bytes, where the type has one.</param>
    /// <param name="size">How many bytes.</param>
    /// <returns>False when there is no room for it.</returns>
    public static bool TryWriteEntry(Span<byte> destination, WireEntryType type, MacAddress mac, ReadOnlySpan<byte> address, out int size)
    {
        var macSize = type is WireEntryType.Silence ? 0 : MacAddress.Size;
        size = 2 + macSize + address.Length;
        if (destination.Length < size)
            return false;
        destination[0] = (byte)type;
        destination[1] = (byte)(macSize + address.Length);
        if (macSize > 0)
            mac.WriteTo(destination[2..]);
        address.CopyTo(destination[(2 + macSize)..]);
        return true;
    }

    private static bool Allows(WireEntryType type, byte length) => type switch
    {
        WireEntryType.OwnMac => length == MacAddress.Size,
        WireEntryType.Silence => length is 4 or 16,
        WireEntryType.Answer => length is MacAddress.Size + 4 or MacAddress.Size + 16,
        _ => true,
    };
}
