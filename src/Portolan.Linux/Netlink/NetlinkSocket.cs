using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Linux.Netlink;

/// <summary>Looks at one message of an answer.</summary>
public delegate void NetlinkMessageHandler(NetlinkMessage message);

/// <summary>Reads one item out of a message of a dump; false leaves the message out.</summary>
public delegate bool NetlinkParser<T>(NetlinkMessage message, out T item);

/// <summary>
/// A netlink socket for requests and their answers. It belongs to the network namespace of the thread that opened it, for good.
/// One thread at a time may use it. Notifications have a socket of their own: <see cref="NetlinkNotifications"/>.
/// </summary>
public sealed class NetlinkSocket : IDisposable
{
    private const int DumpAttempts = 8;
    private readonly SafeSocketHandle _handle;
    private readonly byte[] _receive = new byte[64 * 1024]; // a dump's datagrams are at most 32 KiB
    private uint _sequence;
    private int _sendBuffer;

    private NetlinkSocket(SafeSocketHandle handle, uint portId) => (_handle, PortId) = (handle, portId);

    /// <summary>The address the kernel gave this socket; what it causes carries it as <see cref="NetlinkMessage.PortId"/>.</summary>
    public uint PortId { get; }

    /// <summary>Opens a socket in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NetlinkSocket Open(NetlinkFamily family)
    {
        var handle = OpenHandle(family, out var portId);
        // A kernel that never answers must not hang its caller for ever: transactions on large rulesets take seconds at most.
        Span<long> timeout = [30, 0];
        SetOption(handle, Interop.SolSocket, Interop.SoRcvTimeo, MemoryMarshal.AsBytes(timeout), "set the receive time limit");
        return new NetlinkSocket(handle, portId);
    }

    internal static SafeSocketHandle OpenHandle(NetlinkFamily family, out uint portId)
    {
        var fd = Interop.Socket(Interop.AfNetlink, Interop.SockRaw | Interop.SockCloexec, (int)family);
        if (fd < 0)
            throw new NetlinkException($"open a netlink socket ({family})", Marshal.GetLastPInvokeError());
        var handle = new SafeSocketHandle(fd, ownsHandle: true);
        try
        {
            var address = new NetlinkAddress { Family = Interop.AfNetlink };
            if (Interop.Bind(handle, address, 12) < 0)
                throw new NetlinkException("bind a netlink socket", Marshal.GetLastPInvokeError());
            var size = 12;
            if (Interop.GetSockName(handle, out address, ref size) < 0)
                throw new NetlinkException("read a netlink socket's address", Marshal.GetLastPInvokeError());
            portId = address.PortId;
            SetBuffer(handle, Interop.SoRcvBufForce, Interop.SoRcvBuf, 4 << 20);
            SetOption(handle, Interop.SolNetlink, Interop.ExtAck, 1, "ask for extended acknowledgements");
            SetOption(handle, Interop.SolNetlink, Interop.CapAck, 1, "ask for short acknowledgements");
            if (family is NetlinkFamily.Route)
                SetOption(handle, Interop.SolNetlink, Interop.GetStrictChk, 1, "ask for strict checking");
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A sequence number not used before on this socket; never 0.</summary>
    public uint NextSequence() => ++_sequence != 0 ? _sequence : ++_sequence;

    /// <summary>Sends the one request in the writer, numbered anew, and waits for the kernel's verdict.</summary>
    /// <param name="request">One message; NLM_F_REQUEST and NLM_F_ACK are added.</param>
    /// <param name="operation">Named in the exception.</param>
    /// <param name="onMessage">Sees what the kernel answers before its verdict.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Execute(NetlinkWriter request, string operation, NetlinkMessageHandler? onMessage = null) =>
        Exchange(request, NetlinkFlags.Request | NetlinkFlags.Ack, operation, onMessage);

    /// <summary>Lists what matches the one request in the writer. What changes during a dump makes it start again.</summary>
    /// <param name="request">One message; NLM_F_REQUEST and NLM_F_DUMP are added.</param>
    /// <param name="operation">Named in the exception.</param>
    /// <param name="parse">Reads the items.</param>
    /// <exception cref="NetlinkException">The kernel refused, or no dump came out consistent (EINTR).</exception>
    public List<T> Dump<T>(NetlinkWriter request, string operation, NetlinkParser<T> parse)
    {
        var items = new List<T>();
        for (var attempt = 0; attempt < DumpAttempts; attempt++)
        {
            items.Clear();
            if (TryDump(request, operation, message =>
            {
                if (parse(message, out var item))
                    items.Add(item);
            }))
                return items;
        }

        throw new NetlinkException(operation, Errors.Interrupted, "what is listed changes faster than it can be read");
    }

    /// <summary>As <see cref="Dump{T}"/>, once.</summary>
    /// <returns>False where the kernel says that the dump was interrupted (NLM_F_DUMP_INTR): what the handler saw is not a picture of one moment.</returns>
    public bool TryDump(NetlinkWriter request, string operation, NetlinkMessageHandler onMessage) =>
        Exchange(request, NetlinkFlags.Request | NetlinkFlags.Dump, operation, onMessage);

    /// <summary>Sends several requests in one datagram, which the kernel takes one by one, and waits for its verdict on each.</summary>
    /// <param name="requests">Their writer; NLM_F_REQUEST and NLM_F_ACK are added.</param>
    /// <param name="from">Where the first begins.</param>
    /// <param name="to">Where the last ends.</param>
    /// <param name="operation">Named in the exception.</param>
    /// <param name="onRefusal">Hears of each that was refused: which of them, from 0 on, and why.</param>
    /// <exception cref="NetlinkException">Answers were lost: of some of them nothing is known.</exception>
    internal void ExecuteEach(NetlinkWriter requests, int from, int to, string operation, Action<int, int> onRefusal)
    {
        var first = _sequence + 1;
        var count = requests.Number(from, to, NetlinkFlags.Request | NetlinkFlags.Ack, first);
        _sequence += (uint)count;
        Send(requests.Written[from..to], operation);
        while (count > 0)
        {
            foreach (var message in Receive(operation))
            {
                if (message.Type != NetlinkTypes.Error || message.PortId != PortId || message.Sequence - first > _sequence - first)
                    continue;
                count--;
                if (NetlinkError.Read(message).Errno is not 0 and var errno)
                    onRefusal((int)(message.Sequence - first), errno);
            }
        }
    }

    private bool Exchange(NetlinkWriter request, NetlinkFlags flags, string operation, NetlinkMessageHandler? onMessage)
    {
        var sequence = NextSequence();
        request.AddFlags(0, flags);
        request.SetSequence(0, sequence);
        Send(request.Written, operation);
        var consistent = true;
        while (true)
        {
            foreach (var message in Receive(operation))
            {
                if (message.Sequence != sequence || message.PortId != PortId)
                    continue; // the late answer to a request its caller gave up
                consistent &= !message.Flags.HasFlag(NetlinkFlags.DumpInterrupted);
                switch (message.Type)
                {
                    case NetlinkTypes.Error or NetlinkTypes.Done:
                        var error = NetlinkError.Read(message);
                        if (error.Errno == Errors.Interrupted && flags.HasFlag(NetlinkFlags.Dump))
                            return false;
                        error.ThrowIfFailed(operation);
                        return consistent;
                    case NetlinkTypes.Noop:
                        break;
                    default:
                        onMessage?.Invoke(message);
                        break;
                }
            }
        }
    }

    /// <summary>Sends bytes as they are, in one datagram.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Send(ReadOnlySpan<byte> datagram, string operation)
    {
        // The kernel wants the whole datagram to fit the send buffer (and doubles what it is asked for).
        if (datagram.Length + 4096 > _sendBuffer)
        {
            _sendBuffer = Math.Max(256 * 1024, datagram.Length + (datagram.Length / 2) + 4096);
            SetBuffer(_handle, Interop.SoSndBufForce, Interop.SoSndBuf, _sendBuffer);
        }

        var kernel = new NetlinkAddress { Family = Interop.AfNetlink };
        while (Interop.SendTo(_handle, datagram, datagram.Length, 0, kernel, 12) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Errors.Interrupted)
                throw new NetlinkException(operation, errno);
        }
    }

    /// <summary>Waits for the next datagram from the kernel. Its messages are valid until the next call.</summary>
    /// <exception cref="NetlinkException">Answers were lost (<see cref="NetlinkException.IsOverrun"/>), or none came in 30 s (EAGAIN).</exception>
    public NetlinkMessages Receive(string operation)
    {
        while (true)
        {
            var size = 12;
            var received = Interop.ReceiveFrom(_handle, _receive, _receive.Length, Interop.MsgTrunc, out var from, ref size);
            if (received < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errors.Interrupted)
                    continue;
                throw new NetlinkException(operation, errno);
            }

            if (from.PortId != 0)
                continue; // another process may send here; only the kernel is 0
            if (received > _receive.Length)
                throw new NetlinkException(operation, Errors.MessageSize, $"an answer of {received} bytes was cut off");
            return new NetlinkMessages(_receive.AsSpan(0, (int)received));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    internal static void SetOption(SafeSocketHandle handle, int level, int name, int value, string operation) =>
        SetOption(handle, level, name, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)), operation);

    private static void SetOption(SafeSocketHandle handle, int level, int name, ReadOnlySpan<byte> value, string operation)
    {
        if (Interop.SetSockOpt(handle, level, name, value, value.Length) < 0)
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
    }

    // The forced option needs CAP_NET_ADMIN; without it the system's limit applies, and a large batch then fails with a clear EMSGSIZE.
    internal static void SetBuffer(SafeSocketHandle handle, int forced, int plain, int size)
    {
        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in size));
        if (Interop.SetSockOpt(handle, Interop.SolSocket, forced, bytes, 4) < 0)
            SetOption(handle, Interop.SolSocket, plain, size, "set a netlink buffer");
    }
}
