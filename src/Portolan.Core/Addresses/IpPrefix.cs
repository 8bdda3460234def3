using System.Globalization;

namespace Portolan.Core.Addresses;

/// <summary>A CIDR block with its host bits masked away.</summary>
/// <param name="Address">The lowest address of the block.</param>
/// <param name="Length">The prefix length: 0..32 or 0..128.</param>
public readonly record struct IpPrefix(IpAddress Address, int Length)
{
    /// <summary>The block of this length that contains an address.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is not 0..32 (IPv4) or 0..128 (IPv6).</exception>
    public static IpPrefix Containing(IpAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, address.Bits);
        return new IpPrefix(IpAddress.Of(address.Family, address.Value & ~HostMask(address.Bits, length)), length);
    }

    /// <summary>The highest address of the block.</summary>
    public IpAddress Last => IpAddress.Of(Address.Family, Address.Value | HostMask(Address.Bits, Length));

    /// <summary>Whether the address lies in this block; an address of the other family never does.</summary>
    public bool Contains(IpAddress address) =>
        address.Family == Address.Family && (address.Value & ~HostMask(Address.Bits, Length)) == Address.Value;

    /// <summary>Parses <c>address/length</c>; host bits are masked away.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpPrefix prefix)
    {
        prefix = default;
        var slash = text.IndexOf('/');
        if (slash < 0 || !IpAddress.TryParse(text[..slash], out var address)
            || !int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > address.Bits)
            return false;
        prefix = Containing(address, length);
        return true;
    }

    /// <summary><c>address/length</c>.</summary>
    public override string ToString() => $"{Address}/{Length}";

    private static UInt128 HostMask(int bits, int length) =>
        bits == length ? UInt128.Zero : UInt128.MaxValue >> (128 - (bits - length));
}
