using System.Buffers.Binary;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>The two packets that begin an association (RFC 9260 §3.3.2, §3.3.3), crafted because this kernel may have no SCTP sockets.</summary>
/// <param name="SourcePort">The sender's port.</param>
/// <param name="DestinationPort">The receiver's port.</param>
/// <param name="IsAnswer">An INIT ACK, not an INIT.</param>
/// <param name="InitiateTag">What the other side must put into the verification tag of what it sends.</param>
/// <param name="Text">The state cookie, where a responder says who it is; INIT has none.</param>
internal readonly partial record struct SctpPacket(ushort SourcePort, ushort DestinationPort, bool IsAnswer, uint InitiateTag, string Text)
{
    private const int Protocol = 132;
    private const int HeaderSize = 12;
    private const int ChunkSize = 20;
    private const int CookieAt = HeaderSize + ChunkSize;
    private const ushort StateCookie = 7;

    /// <summary>A raw socket for SCTP's packets. The framework's own constructor refuses protocols that it does not know.</summary>
    internal static Socket OpenSocket(AddressFamily family)
    {
        var fd = OpenSocket(family is AddressFamily.InterNetwork ? 2 : 10, 3 | 0x80000, Protocol); // SOCK_RAW | SOCK_CLOEXEC
        return fd >= 0 ? new Socket(new SafeSocketHandle(fd, ownsHandle: true)) : throw new SocketException(Marshal.GetLastPInvokeError());
    }

    /// <summary>The packet's bytes, checksum included.</summary>
    /// <param name="verificationTag">0 for INIT; for INIT ACK the other side's initiate tag.</param>
    internal byte[] ToBytes(uint verificationTag = 0)
    {
        var cookie = Encoding.ASCII.GetBytes(Text);
        var parameter = cookie.Length == 0 ? 0 : 4 + cookie.Length;
        var bytes = new byte[CookieAt + ((parameter + 3) & ~3)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), DestinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), verificationTag);
        bytes[HeaderSize] = (byte)(IsAnswer ? 2 : 1);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(HeaderSize + 2), (ushort)(ChunkSize + parameter));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(HeaderSize + 4), InitiateTag);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(HeaderSize + 8), 65536); // a_rwnd
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(HeaderSize + 12), 1); // outbound streams
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(HeaderSize + 14), 1); // inbound streams
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(HeaderSize + 16), 1); // initial TSN
        if (parameter > 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(CookieAt), StateCookie);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(CookieAt + 2), (ushort)parameter);
            cookie.CopyTo(bytes, CookieAt + 4);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Checksum(bytes));
        return bytes;
    }

    /// <summary>Reads what <see cref="ToBytes"/> writes. A wrong checksum is no packet: whoever translates an address must put it right.</summary>
    internal static SctpPacket? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < CookieAt || bytes[HeaderSize] is not (1 or 2) || BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != Checksum(bytes))
            return null;
        var text = "";
        if (bytes.Length > CookieAt + 4 && BinaryPrimitives.ReadUInt16BigEndian(bytes[(CookieAt + 2)..]) is var length && length >= 4 && bytes.Length >= CookieAt + length)
            text = Encoding.ASCII.GetString(bytes[(CookieAt + 4)..(CookieAt + length)]);
        return new SctpPacket(
            BinaryPrimitives.ReadUInt16BigEndian(bytes),
            BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            bytes[HeaderSize] == 2,
            BinaryPrimitives.ReadUInt32BigEndian(bytes[(HeaderSize + 4)..]),
            text);
    }

    // CRC32c over the packet with a checksum of zero (RFC 9260 appendix A).
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (var i = 0; i < bytes.Length; i++)
            crc = BitOperations.Crc32C(crc, i is >= 8 and < 12 ? (byte)0 : bytes[i]);
        return ~crc;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int family, int type, int protocol);
}
