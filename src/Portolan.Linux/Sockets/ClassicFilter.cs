using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Linux.Sockets;

/// <summary>
/// A classic BPF program on a socket (SO_ATTACH_FILTER, socket(7)): what it refuses never wakes this process.
/// Programs are run by the kernel on the bytes from the layer the socket reads on.
/// </summary>
internal static class ClassicFilter
{
    /// <summary>One instruction (struct sock_filter, linux/filter.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Instruction(ushort code, byte ifTrue, byte ifFalse, uint k)
    {
        public readonly ushort Code = code;
        public readonly byte IfTrue = ifTrue;
        public readonly byte IfFalse = ifFalse;
        public readonly uint K = k;
    }

    private const ushort LoadWord = 0x20;   // BPF_LD | BPF_W | BPF_ABS
    private const ushort LoadHalf = 0x28;   // BPF_LD | BPF_H | BPF_ABS
    private const ushort LoadByte = 0x30;   // BPF_LD | BPF_B | BPF_ABS
    private const ushort JumpEqual = 0x15;  // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort JumpAbove = 0x25;  // BPF_JMP | BPF_JGT | BPF_K
    private const ushort JumpAtLeast = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    private const ushort LoadMemory = 0x60; // BPF_LD | BPF_MEM
    private const ushort Store = 0x02;      // BPF_ST
    private const ushort ToIndex = 0x07;    // BPF_MISC | BPF_TAX
    private const ushort FromIndex = 0x87;  // BPF_MISC | BPF_TXA
    private const ushort Return = 0x06;     // BPF_RET | BPF_K
    private const uint Everything = 0xffffffff;

    private const uint PacketTypeOffset = unchecked((uint)(-0x1000 + 4)); // SKF_AD_OFF + SKF_AD_PKTTYPE
    private const uint NetworkHeader = unchecked((uint)-0x100000); // SKF_NET_OFF

    private const int SolSocket = 1;
    private const int AttachFilter = 26;

    /// <summary>ARP requests and replies for IPv4 that were sent to this host or to all, on a packet socket that sees Ethernet headers.</summary>
    internal static void AttachArp(Socket socket) => Attach(socket,
    [
        new(LoadHalf, 0, 0, 12), new(JumpEqual, 0, 10, 0x0806),   // EtherType
        new(LoadHalf, 0, 0, 20), new(JumpEqual, 1, 0, 1), new(JumpEqual, 0, 7, 2), // operation: request, reply
        new(LoadWord, 0, 0, 14), new(JumpEqual, 0, 5, 0x00010800), // Ethernet, IPv4
        new(LoadHalf, 0, 0, 18), new(JumpEqual, 0, 3, 0x0604),    // their lengths
        new(LoadWord, 0, 0, PacketTypeOffset), new(JumpAbove, 1, 0, 1), // neither multicast, another host's, nor sent by us
        new(Return, 0, 0, Everything),
        new(Return, 0, 0, 0),
    ]);

    /// <summary>
    /// Neighbour solicitations and advertisements with hop limit 255 that were sent to this host or to a group, on a packet socket that sees
    /// Ethernet headers. What stands behind an extension header is not looked for.
    /// </summary>
    internal static void AttachNeighborDiscovery(Socket socket) => Attach(socket,
    [
        new(LoadByte, 0, 0, 20), new(JumpEqual, 0, 9, 58),  // next header: ICMPv6
        new(LoadByte, 0, 0, 21), new(JumpEqual, 0, 7, 255), // hop limit
        new(LoadByte, 0, 0, 54), new(JumpEqual, 1, 0, 135), new(JumpEqual, 0, 4, 136), // type
        new(LoadWord, 0, 0, PacketTypeOffset), new(JumpEqual, 1, 0, 0), new(JumpEqual, 0, 1, 2), // neither another host's, nor sent by us
        new(Return, 0, 0, Everything),
        new(Return, 0, 0, 0),
    ]);

    /// <summary>ARP replies for IPv4 that were sent to this host alone, on a packet socket that sees Ethernet headers.</summary>
    internal static void AttachArpReplies(Socket socket) => Attach(socket,
    [
        new(LoadHalf, 0, 0, 20), new(JumpEqual, 0, 5, 2),               // operation: reply
        new(LoadWord, 0, 0, 14), new(JumpEqual, 0, 3, 0x00010800),      // Ethernet, IPv4
        new(LoadWord, 0, 0, PacketTypeOffset), new(JumpEqual, 0, 1, 0), // to this host
        new(Return, 0, 0, Everything),
        new(Return, 0, 0, 0),
    ]);

    /// <summary>Neighbour advertisements with hop limit 255 that were sent to this host alone, on a packet socket that sees Ethernet headers.</summary>
    internal static void AttachAdvertisements(Socket socket) => Attach(socket,
    [
        new(LoadByte, 0, 0, 20), new(JumpEqual, 0, 7, 58),              // next header: ICMPv6
        new(LoadByte, 0, 0, 21), new(JumpEqual, 0, 5, 255),             // hop limit
        new(LoadByte, 0, 0, 54), new(JumpEqual, 0, 3, 136),             // type
        new(LoadWord, 0, 0, PacketTypeOffset), new(JumpEqual, 0, 1, 0), // to this host
        new(Return, 0, 0, Everything),
        new(Return, 0, 0, 0),
    ]);

    /// <summary>
    /// Datagrams that no router has touched: time to live, or hop limit, 255 (GTSM, RFC 5082; RFC 5881 §5 demands it of BFD).
    /// IP_MINTTL does nothing on UDP, and the runtime shows nobody the TTL, so the kernel must be told this way.
    /// </summary>
    internal static void AttachTtl255(Socket socket) => Attach(socket,
    [
        new(LoadByte, 0, 0, NetworkHeader + (socket.AddressFamily is AddressFamily.InterNetworkV6 ? 7u : 8u)),
        new(JumpEqual, 0, 1, 255),
        new(Return, 0, 0, Everything),
        new(Return, 0, 0, 0),
    ]);

    /// <summary>
    /// Datagrams of these neighbours only, each with its least time to live or hop limit: of one that sends with 255, 255 - n means n routers between.
    /// </summary>
    internal static void AttachNeighbors(Socket socket, IReadOnlyCollection<KeyValuePair<IPAddress, byte>> neighbors)
    {
        var (hops, source, words) = socket.AddressFamily is AddressFamily.InterNetworkV6 ? (7u, 8u, 4) : (8u, 12u, 1);
        var program = new List<Instruction> { new(LoadByte, 0, 0, NetworkHeader + hops), new(ToIndex, 0, 0, 0) };
        // Each load from the packet is a call in the kernel, so it is done once for all neighbours.
        for (var word = 0u; word < words; word++)
            program.AddRange([new(LoadWord, 0, 0, NetworkHeader + source + 4 * word), new(Store, 0, 0, word)]);
        foreach (var (neighbor, least) in neighbors)
        {
            var address = neighbor.GetAddressBytes();
            if (address.Length != 4 * words)
                throw new ArgumentException($"{neighbor} is of another family than the socket", nameof(neighbors));
            // The last word first: addresses differ most there.
            for (var word = words - 1; word >= 0; word--)
                program.AddRange([
                    new(LoadMemory, 0, 0, (uint)word),
                    new(JumpEqual, 0, (byte)(2 * word + 4), BinaryPrimitives.ReadUInt32BigEndian(address.AsSpan(4 * word)))]);
            program.AddRange([new(FromIndex, 0, 0, 0), new(JumpAtLeast, 0, 1, least), new(Return, 0, 0, Everything), new(Return, 0, 0, 0)]);
        }

        program.Add(new(Return, 0, 0, 0));
        Attach(socket, CollectionsMarshal.AsSpan(program));
    }

    private static unsafe void Attach(Socket socket, ReadOnlySpan<Instruction> program)
    {
        fixed (Instruction* first = program)
        {
            // struct sock_fprog: the length, padding, the address; the kernel copies the program.
            Span<byte> option = stackalloc byte[16];
            option.Clear();
            MemoryMarshal.Write(option, (ushort)program.Length);
            MemoryMarshal.Write(option[8..], (nint)first);
            socket.SetRawSocketOption(SolSocket, AttachFilter, option);
        }
    }
}
