using System.Globalization;

namespace Portolan.Protocols.Arp;

/// <summary>A 48-bit Ethernet address as a value. The default is 00:00:00:00:00:00.</summary>
public readonly record struct MacAddress
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 6;

    private readonly ulong _value;

    private MacAddress(ulong value) => _value = value;

    /// <summary>ff:ff:ff:ff:ff:ff, every station of the link.</summary>
    public static MacAddress Broadcast { get; } = new(0xffff_ffff_ffff);

    /// <summary>The address as a number of 48 bits, its first byte the most significant.</summary>
    public ulong Value => _value;

    /// <summary>Whether every bit is set.</summary>
    public bool IsBroadcast => _value == 0xffff_ffff_ffff;

    /// <summary>Whether the group bit is set (IEEE 802: the lowest bit of the first byte): broadcast and multicast.</summary>
    public bool IsGroup => (_value & 0x0100_0000_0000) != 0;

    /// <summary>Whether every bit is clear: no station has this address.</summary>
    public bool IsZero => _value == 0;

    /// <summary>The address in the first <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer bytes.</exception>
    public static MacAddress Read(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes.Length, Size, nameof(bytes));
        ulong value = 0;
        for (var i = 0; i < Size; i++)
            value = value << 8 | bytes[i];
        return new MacAddress(value);
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        for (var i = 0; i < Size; i++)
            destination[i] = (byte)(_value >> (8 * (Size - 1 - i)));
    }

    /// <summary>Parses six pairs of hexadecimal digits separated by colons.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacAddress address)
    {
        address = default;
        if (text.Length != 17)
            return false;
        ulong value = 0;
        for (var i = 0; i < Size; i++)
        {
            if ((i > 0 && text[i * 3 - 1] != ':')
                || !byte.TryParse(text.Slice(i * 3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var part))
                return false;
            value = value << 8 | part;
        }

        address = new MacAddress(value);
        return true;
    }

    /// <summary><c>02:00:5e:10:00:01</c>.</summary>
    public override string ToString() => string.Create(17, _value, static (text, value) =>
    {
        for (var i = 0; i < Size; i++)
        {
            if (i > 0)
                text[i * 3 - 1] = ':';
            ((byte)(value >> (8 * (Size - 1 - i)))).TryFormat(text.Slice(i * 3, 2), out _, "x2", CultureInfo.InvariantCulture);
        }
    });
}
