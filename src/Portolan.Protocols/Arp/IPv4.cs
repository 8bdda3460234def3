using System.Buffers.Binary;

namespace Portolan.Protocols.Arp;

/// <summary>An IPv4 address as it stands in a packet. The default is 0.0.0.0.</summary>
/// <param name="Value">The address as a number, 192.168.100.240 being 0xc0a864f0.</param>
public readonly record struct IPv4(uint Value)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 4;

    /// <summary>Whether this is 0.0.0.0, the sender of a probe (RFC 5227 §1.1).</summary>
    public bool IsAny => Value == 0;

    /// <summary>The address in the first <see cref="Size"/> bytes, network order.</summary>
    public static IPv4 Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32BigEndian(bytes));

    /// <summary>Writes exactly <see cref="Size"/> bytes, network order.</summary>
    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt32BigEndian(destination, Value);

    /// <summary>Dotted decimal.</summary>
    public override string ToString() => $"{Value >> 24}.{Value >> 16 & 255}.{Value >> 8 & 255}.{Value & 255}";
}
