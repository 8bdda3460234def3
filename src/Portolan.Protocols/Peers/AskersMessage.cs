using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Protocols.Neighbors;

namespace Portolan.Protocols.Peers;

/// <summary>
/// Clients that a speaker answers for addresses whose clients several nodes share: the payload of a <see cref="PeerItemType.Askers"/> record.
/// <code>| (4, MAC (6), client (4), address (4)) or (6, MAC (6), client (16), address (16)) … |</code>
/// Who takes a node's clients over could not tell them otherwise, had it not been there when they asked.
/// </summary>
public ref struct AskersMessage
{
    /// <summary>Bytes of a client of IPv4.</summary>
    public const int IPv4Size = 1 + MacAddress.Size + 2 * IPv4.Size;

    /// <summary>Bytes of a client of IPv6.</summary>
    public const int IPv6Size = 1 + MacAddress.Size + 2 * IPv6.Size;

    private const byte OfIPv4 = 4;
    private const byte OfIPv6 = 6;

    private ReadOnlySpan<byte> _rest;

    private AskersMessage(ReadOnlySpan<byte> entries)
    {
        _rest = entries;
        AskerOfIPv4 = null;
        AskerOfIPv6 = null;
    }

    /// <summary>The present entry, where it is of IPv4.</summary>
    public Asker<IPv4>? AskerOfIPv4 { get; private set; }

    /// <summary>The present entry, where it is of IPv6.</summary>
    public Asker<IPv6>? AskerOfIPv6 { get; private set; }

    /// <summary>The present entry is this message at its present place.</summary>
    public readonly AskersMessage Current => this;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly AskersMessage GetEnumerator() => this;

    /// <summary>Goes on to the next entry.</summary>
    public bool MoveNext()
    {
        (AskerOfIPv4, AskerOfIPv6) = (null, null);
        if (_rest.IsEmpty)
            return false;
        var mac = MacAddress.Read(_rest[1..]);
        var addresses = _rest[(1 + MacAddress.Size)..];
        if (_rest[0] == OfIPv4)
            AskerOfIPv4 = new Asker<IPv4>(mac, IPv4.Read(addresses), IPv4.Read(addresses[IPv4.Size..]));
        else
            AskerOfIPv6 = new Asker<IPv6>(mac, IPv6.Read(addresses), IPv6.Read(addresses[IPv6.Size..]));
        _rest = _rest[(_rest[0] == OfIPv4 ? IPv4Size : IPv6Size)..];
        return true;
    }

    /// <summary>Reads a record's payload.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out AskersMessage message)
    {
        message = default;
        for (var rest = payload; !rest.IsEmpty;)
        {
            var size = rest[0] switch { OfIPv4 => IPv4Size, OfIPv6 => IPv6Size, _ => int.MaxValue };
            // An answer to a group, or to nobody, would be an answer to all.
            if (rest.Length < size || MacAddress.Read(rest[1..]) is { IsGroup: true } or { IsZero: true })
                return false;
            rest = rest[size..];
        }

        message = new AskersMessage(payload);
        return true;
    }

    /// <summary>Writes an entry.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="asker">The client.</param>
    /// <param name="size">How many bytes.</param>
    /// <returns>False when there is no room for it.</returns>
    public static bool TryWriteEntry(Span<byte> destination, in Asker<IPv4> asker, out int size)
    {
        size = IPv4Size;
        if (destination.Length < size)
            return false;
        destination[0] = OfIPv4;
        asker.Mac.WriteTo(destination[1..]);
        asker.Address.WriteTo(destination[(1 + MacAddress.Size)..]);
        asker.Target.WriteTo(destination[(1 + MacAddress.Size + IPv4.Size)..]);
        return true;
    }

    /// <inheritdoc cref="TryWriteEntry(Span{byte}, in Asker{IPv4}, out int)"/>
    public static bool TryWriteEntry(Span<byte> destination, in Asker<IPv6> asker, out int size)
    {
        size = IPv6Size;
        if (destination.Length < size)
            return false;
        destination[0] = OfIPv6;
        asker.Mac.WriteTo(destination[1..]);
        asker.Address.WriteTo(destination[(1 + MacAddress.Size)..]);
        asker.Target.WriteTo(destination[(1 + MacAddress.Size + IPv6.Size)..]);
        return true;
    }
}
