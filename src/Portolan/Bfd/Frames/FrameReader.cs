using System.Buffers.Binary;
using System.Text;
using Portolan.Core.Addresses;

namespace Portolan.Bfd.Frames;

/// <summary>Reads the fields of a frame's body one after the other. What is missing reads as zero, and shows in <see cref="IsWhole"/>.</summary>
internal ref struct FrameReader(ReadOnlySpan<byte> body)
{
    private const int LongestLink = 15; // IFNAMSIZ - 1

    private ReadOnlySpan<byte> _rest = body;
    private bool _failed;

    /// <summary>Whether every field was there and nothing is left over.</summary>
    public readonly bool IsWhole => !_failed && _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    /// <summary>One byte that is 0 or 1.</summary>
    public bool Flag()
    {
        var value = Byte();
        _failed |= value > 1;
        return value == 1;
    }

    public uint Number32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public long Number64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>The family (4 or 6), then the address.</summary>
    public IpAddress Address()
    {
        var family = Byte();
        if (family is 4 or 6)
            return IpAddress.Read(Take(family is 4 ? 4 : 16));
        _failed = true;
        return default;
    }

    /// <summary>The length, then an interface's name in printable ASCII.</summary>
    public string Link()
    {
        var length = Byte();
        if (length == 0)
            return "";
        var name = Take(Math.Min((int)length, Zeros.Length));
        if (length > LongestLink || _failed || name.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            _failed = true;
            return "";
        }

        return Encoding.ASCII.GetString(name);
    }

    /// <summary>A session's name: both addresses, the interface, and a flag for more than one hop.</summary>
    public SessionName Name() => new(Address(), Address(), Link(), Flag());

    /// <summary>So many bytes as they are.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            _failed = true;
            return Zeros[..count];
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private static ReadOnlySpan<byte> Zeros => "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"u8;
}
