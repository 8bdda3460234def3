using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Neighbors;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Speaker.Layer2;

/// <summary>One interface on which IPv4 addresses are announced, by ARP.</summary>
internal sealed class ArpInterface : LinkResponder
{
    private readonly ArpResponder _responder;
    private readonly byte[] _answer = new byte[ArpFrame.Size];

    private ArpInterface(Link link, ArpSocket socket, AskerMemory<IPv4> askers, Layer2Counters counters, WireClaims claims, ILogger log)
        : base(link, socket, counters, claims, log) => _responder = new ArpResponder(Mac) { Askers = askers };

    public override IpFamily Family => IpFamily.IPv4;

    /// <summary>Begins to answer on an interface.</summary>
    /// <param name="link">The interface; what answers say is its present hardware address.</param>
    /// <param name="socket">Open on it; belongs to the result.</param>
    /// <param name="askers">Who asked there, also of another socket before this.</param>
    /// <param name="counters">Counts.</param>
    /// <param name="claims">Told of what others say of their addresses.</param>
    /// <param name="log">Told of failures.</param>
    /// <param name="onEnd">Called once, from another thread, when the interface fails by itself.</param>
    public static ArpInterface Start(Link link, ArpSocket socket, AskerMemory<IPv4> askers, Layer2Counters counters, WireClaims claims, ILogger log, Action<LinkResponder> onEnd)
    {
        var started = new ArpInterface(link, socket, askers, counters, claims, log);
        started.Start(onEnd);
        return started;
    }

    public override bool Announce(IpAddress address, NodeShare? share) => _responder.Announce(address.ToIPv4(), share?.Answers);

    public override bool Withdraw(IpAddress address) => _responder.Withdraw(address.ToIPv4());

    public override bool Announces(IpAddress address) => _responder.Announces(address.ToIPv4());

    public override void Probe(IpAddress address) => TrySend(new ArpPacket(ArpOperation.Request, Mac, default, default, address.ToIPv4()));

    public override void Ask(IpAddress address, IpAddress asker) => TrySend(new ArpPacket(ArpOperation.Request, Mac, asker.ToIPv4(), default, address.ToIPv4()));

    /// <summary>In both forms, for each form alone is ignored by somebody.</summary>
    public override void SendGratuitous(IpAddress address)
    {
        Span<byte> frame = stackalloc byte[ArpFrame.Size];
        ArpFrame.GratuitousRequest(Mac, address.ToIPv4()).WriteTo(frame);
        SendGratuitous(address, frame);
        ArpFrame.GratuitousReply(Mac, address.ToIPv4()).WriteTo(frame);
        SendGratuitous(address, frame);
    }

    public override IEnumerable<SharedClient> OwnClients() =>
        _responder.Askers.WhereAnswered().Select(asker => new SharedClient(asker.Mac, asker.Address.ToIpAddress(), asker.Target.ToIpAddress()));

    public override bool Learn(SharedClient client) =>
        _responder.Announces(client.Target.ToIPv4())
        && _responder.Askers.Learn(new Asker<IPv4>(client.Mac, client.Address.ToIPv4(), client.Target.ToIPv4()))
        && _responder.Answers(client.Target.ToIPv4(), client.Mac);

    public override void TellAskers(Func<IpAddress, MacAddress, bool> select)
    {
        Span<byte> frame = stackalloc byte[ArpFrame.Size];
        foreach (var asker in _responder.Askers.ToArray())
        {
            var address = asker.Target.ToIpAddress();
            if (!select(address, asker.Mac))
                continue;
            _responder.Askers.Answered(asker);
            ArpFrame.UnaskedReply(Mac, asker.Target, asker.Mac, asker.Address).WriteTo(frame);
            SendGratuitous(address, frame);
        }
    }

    private void TrySend(ArpPacket packet)
    {
        Span<byte> frame = stackalloc byte[ArpFrame.Size];
        new ArpFrame(MacAddress.Broadcast, Mac, packet).WriteTo(frame);
        TrySend(frame);
    }

    protected override void Handle(ReadOnlySpan<byte> frame, PacketType type)
    {
        if (_responder.Handle(frame, type, out var packet, _answer) is ArpRejection.None)
            Answer(packet.Target.ToIpAddress(), _answer);
        // Every packet says which address its sender has, be it a question, an answer or an announcement (RFC 5227 §2.4).
        if (!packet.Sender.IsAny)
            Overhear(packet.Sender.ToIpAddress(), packet.SenderMac);
        else if (packet.IsProbe)
            Overhear(packet.Target.ToIpAddress(), packet.SenderMac, isProbe: true);
    }
}
