using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Linux.Netlink;

/// <summary>struct sockaddr_nl (linux/netlink.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NetlinkAddress
{
    public ushort Family;
    public ushort Pad;
    public uint PortId;
    public uint Groups;
}

internal static partial class Interop
{
    /// <summary>struct sock_fprog (linux/filter.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct SocketFilter
    {
        public ushort Length;
        public nint Instructions;
    }

    internal const int AfNetlink = 16;
    internal const int SockRaw = 3;
    internal const int SockCloexec = 0x80000;
    internal const int MsgTrunc = 0x20;

    internal const int SolSocket = 1;
    internal const int SoRcvTimeo = 20;
    internal const int SoAttachFilter = 26;
    internal const int SoSndBuf = 7;
    internal const int SoRcvBuf = 8;
    internal const int SoSndBufForce = 32;
    internal const int SoRcvBufForce = 33;

    internal const int SolNetlink = 270;
    internal const int AddMembership = 1;
    internal const int CapAck = 10;
    internal const int ExtAck = 11;
    internal const int GetStrictChk = 12;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    internal static partial nint Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    internal static partial int Bind(SafeSocketHandle fd, in NetlinkAddress address, int size);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    internal static partial int GetSockName(SafeSocketHandle fd, out NetlinkAddress address, ref int size);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    internal static partial int SetSockOpt(SafeSocketHandle fd, int level, int name, ReadOnlySpan<byte> value, int size);

    [LibraryImport("libc", EntryPoint = "sendto", SetLastError = true)]
    internal static partial nint SendTo(SafeSocketHandle fd, ReadOnlySpan<byte> data, nint size, int flags, in NetlinkAddress to, int toSize);

    [LibraryImport("libc", EntryPoint = "recvfrom", SetLastError = true)]
    internal static partial nint ReceiveFrom(SafeSocketHandle fd, Span<byte> data, nint size, int flags, out NetlinkAddress from, ref int fromSize);
}
