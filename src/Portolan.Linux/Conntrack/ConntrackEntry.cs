using Portolan.Linux.Netlink;

namespace Portolan.Linux.Conntrack;

/// <summary>One direction of a tracked flow, a view of the bytes it was received in. Addresses are 4 or 16 bytes in network order.</summary>
public readonly ref struct ConntrackTuple
{
    private const ushort Ip = 1, Protocol = 2;

    internal ConntrackTuple(NetlinkAttribute tuple)
    {
        foreach (var part in tuple.Nested)
        {
            foreach (var field in part.Nested)
            {
                switch (part.Type, field.Type)
                {
                    case (Ip, 1 or 3): Source = field.Value; break;
                    case (Ip, 2 or 4): Destination = field.Value; break;
                    case (Protocol, 1): Layer4Protocol = field.AsByte; break;
                    case (Protocol, 2): SourcePort = field.AsUInt16BigEndian; break;
                    case (Protocol, 3): DestinationPort = field.AsUInt16BigEndian; break;
                }
            }
        }
    }

    /// <summary>The sender's address.</summary>
    public ReadOnlySpan<byte> Source { get; }

    /// <summary>The receiver's address.</summary>
    public ReadOnlySpan<byte> Destination { get; }

    /// <summary>The IP protocol number.</summary>
    public byte Layer4Protocol { get; }

    /// <summary>0 for protocols without ports.</summary>
    public ushort SourcePort { get; }

    /// <summary>0 for protocols without ports.</summary>
    public ushort DestinationPort { get; }
}

/// <summary>A tracked flow, a view of the bytes it was received in.</summary>
public readonly ref struct ConntrackEntry
{
    internal const ushort OriginalTuple = 1, ReplyTuple = 2, Status = 3, ProtocolInfo = 4, Id = 12, Zone = 18;
    private const uint AssuredStatus = 1 << 2; // IPS_ASSURED
    private const byte TcpEstablished = 3;     // TCP_CONNTRACK_ESTABLISHED

    internal ConntrackEntry(NetlinkMessage message)
    {
        foreach (var attribute in message.Attributes(4))
        {
            switch (attribute.Type)
            {
                case OriginalTuple: Original = new ConntrackTuple(attribute); break;
                case ReplyTuple: Reply = new ConntrackTuple(attribute); break;
                case Status: IsAssured = (attribute.AsUInt32BigEndian & AssuredStatus) != 0; break;
                case ProtocolInfo when attribute.Nested.TryFind(1, out var tcp) && tcp.Nested.TryFind(1, out var state):
                    IsEstablishedTcp = state.AsByte == TcpEstablished;
                    break;
            }
        }
    }

    /// <summary>As the first packet had it.</summary>
    public ConntrackTuple Original { get; }

    /// <summary>As replies are expected, after any translation: its source is who answers.</summary>
    public ConntrackTuple Reply { get; }

    /// <summary>Traffic was seen in both directions, so that it is not dropped early.</summary>
    public bool IsAssured { get; }

    /// <summary>A TCP connection that is open.</summary>
    public bool IsEstablishedTcp { get; }
}

/// <summary>Looks at one flow.</summary>
public delegate void ConntrackHandler(ConntrackEntry entry);

/// <summary>Chooses flows.</summary>
public delegate bool ConntrackPredicate(ConntrackEntry entry);
