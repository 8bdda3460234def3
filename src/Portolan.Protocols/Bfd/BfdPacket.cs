using System.Buffers.Binary;

namespace Portolan.Protocols.Bfd;

/// <summary>The state of a session (RFC 5880 §4.1).</summary>
public enum BfdState : byte
{
    /// <summary>Held down by its own operator.</summary>
    AdminDown = 0,

    /// <summary>Nothing heard, or the other side has not heard us.</summary>
    Down = 1,

    /// <summary>The other side is heard and knows nothing of us yet.</summary>
    Init = 2,

    /// <summary>Both sides hear each other.</summary>
    Up = 3,
}

/// <summary>Why a session last left Up (RFC 5880 §4.1).</summary>
public enum BfdDiagnostic : byte
{
    /// <summary>No diagnostic.</summary>
    None = 0,

    /// <summary>Nothing was heard for the detection time.</summary>
    DetectionTimeExpired = 1,

    /// <summary>The echo function failed.</summary>
    EchoFailed = 2,

    /// <summary>The other side said that its session is down.</summary>
    NeighborSignaledDown = 3,

    /// <summary>The forwarding plane was reset.</summary>
    ForwardingPlaneReset = 4,

    /// <summary>The path is down.</summary>
    PathDown = 5,

    /// <summary>A concatenated path is down.</summary>
    ConcatenatedPathDown = 6,

    /// <summary>An operator took the session down.</summary>
    AdministrativelyDown = 7,

    /// <summary>A reverse concatenated path is down.</summary>
    ReverseConcatenatedPathDown = 8,
}

/// <summary>The flag bits of the second byte (RFC 5880 §4.1).</summary>
[Flags]
public enum BfdFlags : byte
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary>Reserved: must be zero.</summary>
    Multipoint = 1,

    /// <summary>Asks the other side to stop sending periodically.</summary>
    Demand = 2,

    /// <summary>An authentication section follows.</summary>
    Authentication = 4,

    /// <summary>BFD survives the control plane.</summary>
    ControlPlaneIndependent = 8,

    /// <summary>Answers a poll.</summary>
    Final = 16,

    /// <summary>Asks for a final.</summary>
    Poll = 32,
}

/// <summary>The mandatory section of a BFD control packet, 24 bytes (RFC 5880 §4.1). Intervals are in microseconds.</summary>
/// <param name="Diagnostic">Why the sender's session last left Up.</param>
/// <param name="State">The sender's state.</param>
/// <param name="Flags">The flag bits.</param>
/// <param name="DetectMultiplier">How many of the sender's intervals may pass in silence: 1..255.</param>
/// <param name="Length">The length of the whole control packet in bytes, authentication included.</param>
/// <param name="MyDiscriminator">The sender's name of the session, not zero.</param>
/// <param name="YourDiscriminator">The receiver's name of the session, or zero where the sender does not know it.</param>
/// <param name="DesiredMinTx">The shortest interval at which the sender would like to send.</param>
/// <param name="RequiredMinRx">The shortest interval at which the sender can receive; zero: send nothing.</param>
/// <param name="RequiredMinEchoRx">The same for echo packets; zero: none.</param>
/// <remarks>
/// <code>
///  0        1        2        3
/// |Vers|Diag|Sta|PFCADM| mult | length |
/// |          my discriminator          |
/// |         your discriminator         |
/// |   desired min tx  (microseconds)   |
/// |   required min rx (microseconds)   |
/// |      required min echo rx          |
/// </code>
/// </remarks>
public readonly record struct BfdPacket(
    BfdDiagnostic Diagnostic,
    BfdState State,
    BfdFlags Flags,
    byte DetectMultiplier,
    byte Length,
    uint MyDiscriminator,
    uint YourDiscriminator,
    uint DesiredMinTx,
    uint RequiredMinRx,
    uint RequiredMinEchoRx)
{
    /// <summary>Bytes of the mandatory section.</summary>
    public const int Size = 24;

    /// <summary>The longest packet: the length field has 8 bits.</summary>
    public const int MaxSize = 255;

    private const int Version = 1;

    /// <summary>Whether a flag bit is set.</summary>
    public bool Has(BfdFlags flag) => (Flags & flag) != 0;

    /// <summary>Reads a UDP payload and makes the checks of RFC 5880 §6.8.6 that need no session.</summary>
    /// <returns><see cref="BfdRejection.None"/>, or why the packet must be discarded.</returns>
    public static BfdRejection TryParse(ReadOnlySpan<byte> datagram, out BfdPacket packet)
    {
        packet = default;
        if (datagram.Length < Size)
            return BfdRejection.TooShort;
        if (datagram[0] >> 5 != Version)
            return BfdRejection.WrongVersion;
        var flags = (BfdFlags)(datagram[1] & 0x3f);
        var length = datagram[3];
        if (length < ((flags & BfdFlags.Authentication) != 0 ? Size + 2 : Size) || length > datagram.Length)
            return BfdRejection.BadLength;
        if (datagram[2] == 0)
            return BfdRejection.ZeroMultiplier;
        if ((flags & BfdFlags.Multipoint) != 0)
            return BfdRejection.Multipoint;
        if ((flags & (BfdFlags.Poll | BfdFlags.Final)) == (BfdFlags.Poll | BfdFlags.Final))
            return BfdRejection.PollAndFinal;

        var read = new BfdPacket(
            (BfdDiagnostic)(datagram[0] & 0x1f),
            (BfdState)(datagram[1] >> 6),
            flags,
            datagram[2],
            length,
            BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(datagram[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(datagram[12..]),
            BinaryPrimitives.ReadUInt32BigEndian(datagram[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(datagram[20..]));
        if (read.MyDiscriminator == 0)
            return BfdRejection.ZeroDiscriminator;
        if (read is { YourDiscriminator: 0, State: BfdState.Init or BfdState.Up })
            return BfdRejection.ZeroYourDiscriminator;
        packet = read;
        return BfdRejection.None;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes; <see cref="Length"/> is written as it stands.</summary>
    public void WriteTo(Span<byte> destination)
    {
        destination[0] = (byte)(Version << 5 | (byte)Diagnostic & 0x1f);
        destination[1] = (byte)((byte)State << 6 | (byte)Flags & 0x3f);
        destination[2] = DetectMultiplier;
        destination[3] = Length;
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], MyDiscriminator);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], YourDiscriminator);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], DesiredMinTx);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], RequiredMinRx);
        BinaryPrimitives.WriteUInt32BigEndian(destination[20..], RequiredMinEchoRx);
    }
}
