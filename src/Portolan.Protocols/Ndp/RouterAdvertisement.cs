using System.Buffers.Binary;

namespace Portolan.Protocols.Ndp;

/// <summary>
/// A router advertisement (RFC 4861 §4.2), ICMPv6 payload, as BGP peers on an interface find each other by: that the other side is there, and its
/// link-local address, the packet's source.
/// </summary>
public static class RouterAdvertisement
{
    /// <summary>The ICMPv6 type of an advertisement.</summary>
    public const byte Type = 134;

    /// <summary>The ICMPv6 type of a solicitation: who is asked by it advertises soon.</summary>
    public const byte SolicitationType = 133;

    /// <summary>What <see cref="Write"/> writes, bytes.</summary>
    public const int Size = 24;

    /// <summary>What <see cref="WriteSolicitation"/> writes, bytes.</summary>
    public const int SolicitationSize = 16;

    private const int HeaderSize = 16;
    private const int SolicitationHeaderSize = 8;
    private const byte SourceLinkLayerAddress = 1;

    /// <summary>Whether an ICMPv6 payload is an advertisement that may be believed (RFC 4861 §6.1.2), hop limit, checksum and source aside.</summary>
    public static bool IsValid(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderSize || payload[0] != Type || payload[1] != 0)
            return false;
        for (var options = payload[HeaderSize..]; !options.IsEmpty;)
        {
            if (options.Length < 2 || options[1] == 0 || options[1] * 8 > options.Length)
                return false;
            options = options[(options[1] * 8)..];
        }

        return true;
    }

    /// <summary>Writes an advertisement of one who routes for nobody: lifetime 0, so that no host takes it for its gateway (RFC 4861 §6.2.3).</summary>
    /// <param name="payload">At least <see cref="Size"/> bytes.</param>
    /// <param name="own">The sender's hardware address.</param>
    public static void Write(Span<byte> payload, ReadOnlySpan<byte> own)
    {
        payload[..Size].Clear();
        payload[0] = Type;
        WriteOption(payload[HeaderSize..], own);
    }

    /// <summary>Writes a solicitation.</summary>
    /// <param name="payload">At least <see cref="SolicitationSize"/> bytes.</param>
    /// <param name="own">The sender's hardware address.</param>
    public static void WriteSolicitation(Span<byte> payload, ReadOnlySpan<byte> own)
    {
        payload[..SolicitationSize].Clear();
        payload[0] = SolicitationType;
        WriteOption(payload[SolicitationHeaderSize..], own);
    }

    /// <summary>The seconds that the sender may be a gateway for; 0: not at all.</summary>
    public static int Lifetime(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadUInt16BigEndian(payload[6..]);

    private static void WriteOption(Span<byte> option, ReadOnlySpan<byte> own)
    {
        option[0] = SourceLinkLayerAddress;
        option[1] = 1;
        own[..6].CopyTo(option[2..]);
    }
}
