using System.Buffers.Binary;
using System.Net;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>A prefix as network layer reachability information (RFC 4271 §4.3): its length in bits, then as many bytes as hold it.</summary>
public readonly record struct BgpPrefix
{
    // Halves, because a UInt128 is aligned to 16 bytes.
    private readonly ulong _upper;
    private readonly ulong _lower;

    /// <param name="family">The family.</param>
    /// <param name="address">The address as a number of the family's width; host bits are masked away.</param>
    /// <param name="length">0..32 or 0..128.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length, or an IPv4 address beyond 32 bits.</exception>
    public BgpPrefix(BgpFamily family, UInt128 address, int length)
    {
        var width = Width(family);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, width);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(address, UInt128.MaxValue >> (128 - width));
        var host = width - length;
        var masked = host == 128 ? UInt128.Zero : address >> host << host;
        (_upper, _lower, Family, Length) = ((ulong)(masked >> 64), (ulong)masked, family, (byte)length);
    }

    /// <summary>The family.</summary>
    public BgpFamily Family { get; }

    /// <summary>0..32 or 0..128.</summary>
    public byte Length { get; }

    /// <summary>The lowest address, as a number of the family's width.</summary>
    public UInt128 Address => new(_upper, _lower);

    /// <summary>How many bytes it takes on the wire: 1..5 or 1..17.</summary>
    public int WireSize => 1 + (Length + 7) / 8;

    /// <summary>How many bits an address of the family has.</summary>
    public static int Width(BgpFamily family) => family is BgpFamily.IPv4Unicast ? 32 : 128;

    /// <summary>Reads the first prefix of a field; bits beyond its length are passed over (RFC 4271 §4.3).</summary>
    /// <param name="source">A field of prefixes.</param>
    /// <param name="family">The family of all of them.</param>
    /// <param name="prefix">What is read; <see cref="WireSize"/> says how far.</param>
    /// <returns>False when it is longer than the family's addresses or than what is left.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, BgpFamily family, out BgpPrefix prefix)
    {
        prefix = default;
        if (source.IsEmpty || source[0] > Width(family))
            return false;
        var bytes = (source[0] + 7) / 8;
        if (source.Length < 1 + bytes)
            return false;
        Span<byte> address = stackalloc byte[16];
        address.Clear();
        source.Slice(1, bytes).CopyTo(address);
        prefix = new BgpPrefix(family, BinaryPrimitives.ReadUInt128BigEndian(address) >> (128 - Width(family)), source[0]);
        return true;
    }

    /// <summary>Writes length and bytes.</summary>
    /// <returns><see cref="WireSize"/>.</returns>
    public int WriteTo(Span<byte> destination)
    {
        destination[0] = Length;
        switch (Family, WireSize)
        {
            // Host routes are what there are many of.
            case (BgpFamily.IPv4Unicast, 5):
                BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)_lower);
                return 5;
            case (_, 17):
                BinaryPrimitives.WriteUInt64BigEndian(destination[1..], _upper);
                BinaryPrimitives.WriteUInt64BigEndian(destination[9..], _lower);
                return 17;
            case var (family, size):
                Span<byte> address = stackalloc byte[16];
                BinaryPrimitives.WriteUInt128BigEndian(address, Address << (128 - Width(family)));
                address[..(size - 1)].CopyTo(destination[1..]);
                return size;
        }
    }

    /// <summary><c>address/length</c>.</summary>
    public override string ToString()
    {
        Span<byte> address = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(address, Address);
        return $"{new IPAddress(Family is BgpFamily.IPv4Unicast ? address[12..] : address)}/{Length}";
    }
}
