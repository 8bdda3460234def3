using System.Collections.Concurrent;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Neighbors;

namespace Portolan.Protocols.Ndp;

/// <summary>
/// Answers neighbour solicitations for the addresses announced on one interface. It does no input or output and allocates nothing per frame.
/// One thread may change the addresses while another handles frames: an address stops being answered the moment <see cref="Withdraw"/> returns.
/// </summary>
/// <param name="mac">The interface's own hardware address: what every answer says.</param>
/// <param name="announces">The addresses answered for from the start.</param>
public sealed class NdpResponder(MacAddress mac, params ReadOnlySpan<IPv6> announces)
{
    private readonly ConcurrentDictionary<IPv6, Func<MacAddress, bool>?> _announced = From(announces);

    /// <summary>The interface's hardware address.</summary>
    public MacAddress Mac { get; } = mac;

    /// <summary>Who asked for the addresses whose clients several nodes share.</summary>
    public AskerMemory<IPv6> Askers { get; init; } = new();

    /// <summary>Starts answering for an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="answers">Where several nodes share the address's clients: whether this one answers a client; replaces what was said before. Null: all clients.</param>
    /// <returns>False when it was answered for already.</returns>
    public bool Announce(IPv6 address, Func<MacAddress, bool>? answers = null)
    {
        if (_announced.TryAdd(address, answers))
            return true;
        _announced[address] = answers;
        return false;
    }

    /// <summary>Stops answering for an address.</summary>
    /// <returns>False when it was not answered for.</returns>
    public bool Withdraw(IPv6 address) => _announced.TryRemove(address, out _);

    /// <summary>Whether an address is answered for.</summary>
    public bool Announces(IPv6 address) => _announced.ContainsKey(address);

    /// <summary>Whether this client is answered for an address.</summary>
    public bool Answers(IPv6 address, MacAddress client) => _announced.TryGetValue(address, out var answers) && answers?.Invoke(client) is not false;

    /// <summary>Decides on one received frame.</summary>
    /// <param name="bytes">The frame from the destination address on.</param>
    /// <param name="type">How the link layer received it.</param>
    /// <param name="frame">What was read, where it is well formed.</param>
    /// <param name="answer">At least <see cref="NdpFrame.MaxSize"/> bytes: holds the answer when the result is <see cref="NdpRejection.None"/>.</param>
    /// <param name="length">Bytes of the answer.</param>
    public NdpRejection Handle(ReadOnlySpan<byte> bytes, PacketType type, out NdpFrame frame, Span<byte> answer, out int length)
    {
        (frame, length) = (default, 0);
        if (type is not (PacketType.Host or PacketType.Multicast))
            return NdpRejection.NotForUs;
        var rejection = NdpFrame.TryParse(bytes, out frame);
        if (rejection is not NdpRejection.None)
            return rejection;
        // As in ARP, a bridge in promiscuous mode reports other hosts' frames as its own. A probe by a neighbour's kernel that still knows the
        // address (RFC 4861 §7.3.3) comes to our hardware address, and to the announced address itself.
        if (frame.DestinationMac != Mac && !frame.DestinationMac.IsGroup || frame.SourceMac == Mac)
            return NdpRejection.NotForUs;
        if (frame.Message.Type is not NeighborMessageType.Solicitation)
            return NdpRejection.NotSolicitation;
        var target = frame.Message.Target;
        if (!_announced.TryGetValue(target, out var answers))
            return NdpRejection.NotOurs;
        // Without the option the frame itself tells where the answer goes.
        var asker = frame.Message.LinkAddress ?? frame.SourceMac;
        if (asker.IsZero || asker.IsGroup)
            return NdpRejection.BadSender;
        if (answers is not null)
        {
            // One that probes has no address yet at which it could be told.
            var isOurs = answers(asker);
            if (!frame.Source.IsUnspecified)
                Askers.Note(new Asker<IPv6>(asker, frame.Source, target), isOurs);
            if (!isOurs)
                return NdpRejection.AnotherNodesClient;
        }

        var reply = frame.Source.IsUnspecified
            ? NdpFrame.Unsolicited(Mac, target) // it probes: everybody hears the answer, for it has no address yet (RFC 4861 §7.2.4)
            : new NdpFrame(asker, Mac, target, frame.Source, new NeighborMessage(NeighborMessageType.Advertisement, NeighborFlags.Solicited, target, Mac));
        // What all nodes of the link would hear is for this one only: the others have their own nodes. A packet to a group may go in a frame to one (RFC 6085).
        if (answers is not null)
            reply = reply with { DestinationMac = asker };
        reply.WriteTo(answer);
        length = reply.Size;
        return NdpRejection.None;
    }

    private static ConcurrentDictionary<IPv6, Func<MacAddress, bool>?> From(ReadOnlySpan<IPv6> addresses)
    {
        var announced = new ConcurrentDictionary<IPv6, Func<MacAddress, bool>?>();
        foreach (var address in addresses)
            announced.TryAdd(address, null);
        return announced;
    }
}
