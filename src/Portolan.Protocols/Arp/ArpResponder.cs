using System.Collections.Concurrent;
using Portolan.Protocols.Neighbors;

namespace Portolan.Protocols.Arp;

/// <summary>How the link layer received a frame (<c>sll_pkttype</c>, packet(7)).</summary>
public enum PacketType : byte
{
    /// <summary>Addressed to this host.</summary>
    Host = 0,

    /// <summary>Addressed to every station.</summary>
    Broadcast = 1,

    /// <summary>Addressed to a group.</summary>
    Multicast = 2,

    /// <summary>Addressed to another host, seen because the interface is promiscuous.</summary>
    OtherHost = 3,

    /// <summary>Sent by this host.</summary>
    Outgoing = 4,
}

/// <summary>
/// Answers ARP requests for the addresses announced on one interface. It does no input or output and allocates nothing per frame.
/// One thread may change the addresses while another handles frames: an address stops being answered the moment <see cref="Withdraw"/> returns.
/// </summary>
/// <param name="mac">The interface's own hardware address: what every answer says.</param>
/// <param name="announces">The addresses answered for from the start.</param>
public sealed class ArpResponder(MacAddress mac, params ReadOnlySpan<IPv4> announces)
{
    // Lock-free to read, which is what happens per frame; changed one address at a time, whatever their number.
    private readonly ConcurrentDictionary<IPv4, Func<MacAddress, bool>?> _announced = From(announces);

    /// <summary>The interface's hardware address.</summary>
    public MacAddress Mac { get; } = mac;

    /// <summary>Who asked for the addresses whose clients several nodes share.</summary>
    public AskerMemory<IPv4> Askers { get; init; } = new();

    /// <summary>Starts answering for an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="answers">Where several nodes share the address's clients: whether this one answers a client; replaces what was said before. Null: all clients.</param>
    /// <returns>False when it was answered for already.</returns>
    public bool Announce(IPv4 address, Func<MacAddress, bool>? answers = null)
    {
        if (_announced.TryAdd(address, answers))
            return true;
        _announced[address] = answers;
        return false;
    }

    /// <summary>Stops answering for an address.</summary>
    /// <returns>False when it was not answered for.</returns>
    public bool Withdraw(IPv4 address) => _announced.TryRemove(address, out _);

    /// <summary>Whether an address is answered for.</summary>
    public bool Announces(IPv4 address) => _announced.ContainsKey(address);

    /// <summary>Whether this client is answered for an address.</summary>
    public bool Answers(IPv4 address, MacAddress client) => _announced.TryGetValue(address, out var answers) && answers?.Invoke(client) is not false;

    /// <summary>Decides on one received frame.</summary>
    /// <param name="frame">The bytes from the destination address on.</param>
    /// <param name="type">How the link layer received it.</param>
    /// <param name="request">The request, where the frame is a well-formed one.</param>
    /// <param name="answer">At least <see cref="ArpFrame.Size"/> bytes: holds the answer when the result is <see cref="ArpRejection.None"/>.</param>
    public ArpRejection Handle(ReadOnlySpan<byte> frame, PacketType type, out ArpPacket request, Span<byte> answer)
    {
        request = default;
        // The frame's own destination is checked too: a bridge in promiscuous mode reports other hosts' frames as its own.
        if (type is not (PacketType.Host or PacketType.Broadcast))
            return ArpRejection.NotForUs;
        var rejection = ArpFrame.TryParse(frame, out var parsed);
        if (rejection is not ArpRejection.None)
            return rejection;
        request = parsed.Packet;
        if (parsed.Destination != Mac && !parsed.Destination.IsBroadcast)
            return ArpRejection.NotForUs;
        if (request.Operation is not ArpOperation.Request)
            return ArpRejection.NotRequest;
        if (!_announced.TryGetValue(request.Target, out var answers))
            return ArpRejection.NotOurs;
        if (request.SenderMac.IsZero || request.SenderMac.IsGroup)
            return ArpRejection.BadSender;
        if (request.SenderMac == Mac)
            return ArpRejection.NotForUs;
        if (request.IsAnnouncement)
            return ArpRejection.Conflict;
        if (answers is not null)
        {
            // One that probes has no address yet at which it could be told.
            var isOurs = answers(request.SenderMac);
            if (!request.Sender.IsAny)
                Askers.Note(new Asker<IPv4>(request.SenderMac, request.Sender, request.Target), isOurs);
            if (!isOurs)
                return ArpRejection.AnotherNodesClient;
        }

        // The answer goes to the hardware address the packet names, as the kernel's does. A probe (sender 0.0.0.0) is answered too:
        // that is how the prober learns that the address is taken (RFC 5227 §2.1.1).
        new ArpFrame(request.SenderMac, Mac, new ArpPacket(ArpOperation.Reply, Mac, request.Target, request.SenderMac, request.Sender))
            .WriteTo(answer);
        return ArpRejection.None;
    }

    private static ConcurrentDictionary<IPv4, Func<MacAddress, bool>?> From(ReadOnlySpan<IPv4> addresses)
    {
        var announced = new ConcurrentDictionary<IPv4, Func<MacAddress, bool>?>();
        foreach (var address in addresses)
            announced.TryAdd(address, null);
        return announced;
    }
}
