using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Portolan.Core.Addresses;

/// <summary>The two families a Service address can belong to (Kubernetes <c>spec.ipFamilies</c>).</summary>
public enum IpFamily : byte
{
    /// <summary>32-bit addresses.</summary>
    IPv4 = 4,

    /// <summary>128-bit addresses.</summary>
    IPv6 = 6,
}

/// <summary>
/// An IPv4 or IPv6 address as a value: comparable, hashable, without a heap object behind it.
/// The default value is the IPv4 address 0.0.0.0. IPv4-mapped IPv6 addresses are IPv4 here, as in Kubernetes.
/// </summary>
public readonly record struct IpAddress : IComparable<IpAddress>, ISpanParsable<IpAddress>
{
    // Halves, because a UInt128 is aligned to 16 bytes: with it an address would take 32 bytes.
    private readonly ulong _upper;
    private readonly ulong _lower;
    private readonly bool _v6;

    /// <summary>The address as a number: 0..2^32-1 for IPv4, 0..2^128-1 for IPv6.</summary>
    public UInt128 Value => new(_upper, _lower);

    /// <summary>The address family.</summary>
    public IpFamily Family => _v6 ? IpFamily.IPv6 : IpFamily.IPv4;

    /// <summary>Whether this is an IPv4 address.</summary>
    public bool IsIPv4 => !_v6;

    /// <summary>The width of the family's addresses in bits: 32 or 128.</summary>
    public int Bits => _v6 ? 128 : 32;

    /// <summary>The length of the address on the wire in bytes: 4 or 16.</summary>
    public int Size => _v6 ? 16 : 4;

    private IpAddress(ulong upper, ulong lower, bool v6) => (_upper, _lower, _v6) = (upper, lower, v6);

    /// <summary>The IPv4 address with this number.</summary>
    public static IpAddress V4(uint value) => new(0, value, false);

    /// <summary>The IPv6 address with this number.</summary>
    public static IpAddress V6(UInt128 value) => new((ulong)(value >> 64), (ulong)value, true);

    /// <summary>The address of a family with this number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An IPv4 number above 2^32-1.</exception>
    public static IpAddress Of(IpFamily family, UInt128 value) =>
        family is IpFamily.IPv6 ? V6(value)
        : value <= uint.MaxValue ? V4((uint)value)
        : throw new ArgumentOutOfRangeException(nameof(value));

    /// <summary>The address in these 4 or 16 bytes, network order.</summary>
    /// <exception cref="ArgumentException">Any other length.</exception>
    public static IpAddress Read(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => V4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => V6(BinaryPrimitives.ReadUInt128BigEndian(bytes)),
        _ => throw new ArgumentException("an address has 4 or 16 bytes", nameof(bytes)),
    };

    /// <summary>Writes exactly <see cref="Size"/> bytes in network order.</summary>
    public void WriteTo(Span<byte> destination)
    {
        if (_v6)
            BinaryPrimitives.WriteUInt128BigEndian(destination, Value);
        else
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_lower);
    }

    /// <summary>The same address as the framework's type.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        WriteTo(bytes);
        return new IPAddress(bytes[..Size]);
    }

    /// <summary>The value of a framework address; an IPv4-mapped IPv6 address becomes IPv4.</summary>
    public static IpAddress From(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return Read(bytes[..written]);
    }

    /// <summary>Parses the strict textual forms Kubernetes accepts: four decimal octets without leading zeros, or RFC 4291 §2.2 without a zone.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        if (text.IsEmpty || text.ContainsAny("%[]/ ") || (!text.Contains(':') && !IsDottedQuad(text)))
            return false;
        if (!IPAddress.TryParse(text, out var parsed))
            return false;
        address = From(parsed);
        return true;
    }

    // The framework also takes 10.1, 0x0a000001 and 010.0.0.1; Kubernetes takes none of them.
    private static bool IsDottedQuad(ReadOnlySpan<char> text)
    {
        var octets = 0;
        foreach (var range in text.Split('.'))
        {
            var octet = text[range];
            if (++octets > 4 || octet.Length is 0 or > 3 || (octet.Length > 1 && octet[0] == '0') || octet.ContainsAnyExceptInRange('0', '9'))
                return false;
        }

        return octets == 4;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out IpAddress)"/>
    /// <exception cref="FormatException">The text is no address.</exception>
    public static IpAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IP address");

    /// <inheritdoc/>
    public static IpAddress Parse(ReadOnlySpan<char> s, IFormatProvider? provider) => Parse(s.ToString());

    /// <inheritdoc/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out IpAddress result) => TryParse(s, out result);

    /// <inheritdoc/>
    public static IpAddress Parse(string s, IFormatProvider? provider) => Parse(s);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out IpAddress result) => TryParse(s.AsSpan(), out result);

    /// <summary>IPv4 before IPv6, then by number.</summary>
    public int CompareTo(IpAddress other)
    {
        if (_v6 != other._v6)
            return _v6 ? 1 : -1;
        return _upper != other._upper ? _upper.CompareTo(other._upper) : _lower.CompareTo(other._lower);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => _v6 ? HashCode.Combine(_upper, _lower) : HashCode.Combine((uint)_lower);

    /// <summary>Orders as <see cref="CompareTo"/>.</summary>
    public static bool operator <(IpAddress left, IpAddress right) => left.CompareTo(right) < 0;

    /// <summary>Orders as <see cref="CompareTo"/>.</summary>
    public static bool operator >(IpAddress left, IpAddress right) => left.CompareTo(right) > 0;

    /// <summary>Orders as <see cref="CompareTo"/>.</summary>
    public static bool operator <=(IpAddress left, IpAddress right) => left.CompareTo(right) <= 0;

    /// <summary>Orders as <see cref="CompareTo"/>.</summary>
    public static bool operator >=(IpAddress left, IpAddress right) => left.CompareTo(right) >= 0;

    /// <summary>The canonical text (RFC 5952 for IPv6).</summary>
    public override string ToString() => ToIPAddress().ToString();
}
