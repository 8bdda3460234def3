using System.Collections.Concurrent;
using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Ndp;

/// <summary>
/// Answers neighbour solicitations for the addresses announced on one interface. It does no input or output and allocates nothing per frame.
/// One thread may change the addresses while another handles frames: an address stops being answered the moment <see cref="Withdraw"/> returns.
/// </summary>
/// <param name="mac">The interface's own hardware address: what every answer says.</param>
/// <param name="announces">The addresses answered for from the start.</param>
public sealed class NdpResponder(MacAddress mac, params ReadOnlySpan<IPv6> announces)
{
    private readonly ConcurrentDictionary<IPv6, byte> _announced = From(announces);

    /// <summary>The interface's hardware address.</summary>
    public MacAddress Mac { get; } = mac;

    /// <summary>Starts answering for an address.</summary>
    /// <returns>False when it was answered for already.</returns>
    public bool Announce(IPv6 address) => _announced.TryAdd(address, 0);

    /// <summary>Stops answering for an address.</summary>
    /// <returns>False when it was not answered for.</returns>
    public bool Withdraw(IPv6 address) => _announced.TryRemove(address, out _);

    /// <summary>Whether an address is answered for.</summary>
    public bool Announces(IPv6 address) => _announced.ContainsKey(address);

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
        if (!_announced.ContainsKey(target))
            return NdpRejection.NotOurs;
        // Without the option the frame itself tells where the answer goes.
        var asker = frame.Message.LinkAddress ?? frame.SourceMac;
        if (asker.IsZero || asker.IsGroup)
            return NdpRejection.BadSender;
        var reply = frame.Source.IsUnspecified
            ? NdpFrame.Unsolicited(Mac, target) // it probes: everybody hears the answer, for it has no address yet (RFC 4861 §7.2.4)
            : new NdpFrame(asker, Mac, target, frame.Source, new NeighborMessage(NeighborMessageType.Advertisement, NeighborFlags.Solicited, target, Mac));
        reply.WriteTo(answer);
        length = reply.Size;
        return NdpRejection.None;
    }

    private static ConcurrentDictionary<IPv6, byte> From(ReadOnlySpan<IPv6> addresses)
    {
        var announced = new ConcurrentDictionary<IPv6, byte>();
        foreach (var address in addresses)
            announced.TryAdd(address, 0);
        return announced;
    }
}
