using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Protocols.Neighbors;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// One interface on which IPv6 addresses are announced, by neighbour discovery. Neighbours ask in an address's solicited-node group, so its member
/// the interface has to be; that it cannot be, where IPv6 is switched off, is told, and tried again when the interface's addresses change.
/// </summary>
internal sealed class NdpInterface : LinkResponder
{
    private readonly NdpSocket _socket;
    private readonly NdpResponder _responder;
    private readonly ILogger _log;
    private readonly byte[] _answer = new byte[NdpFrame.MaxSize];
    private readonly HashSet<IPv6> _joined = [];
    private readonly HashSet<IPv6> _unheard = [];

    private NdpInterface(Link link, NdpSocket socket, AskerMemory<IPv6> askers, Layer2Counters counters, WireClaims claims, ILogger log)
        : base(link, socket, counters, claims, log) => (_socket, _log, _responder) = (socket, log, new NdpResponder(Mac) { Askers = askers });

    public override IpFamily Family => IpFamily.IPv6;

    /// <inheritdoc cref="ArpInterface.Start"/>
    public static NdpInterface Start(Link link, NdpSocket socket, AskerMemory<IPv6> askers, Layer2Counters counters, WireClaims claims, ILogger log, Action<LinkResponder> onEnd)
    {
        var started = new NdpInterface(link, socket, askers, counters, claims, log);
        started.Start(onEnd);
        return started;
    }

    public override bool Announce(IpAddress address, NodeShare? share)
    {
        if (!_responder.Announce(address.ToIPv6(), share?.Answers))
            return false;
        Join(address.ToIPv6());
        return true;
    }

    public override bool Withdraw(IpAddress address)
    {
        if (!_responder.Withdraw(address.ToIPv6()))
            return false;
        _unheard.Remove(address.ToIPv6());
        if (_joined.Remove(address.ToIPv6()))
            _socket.Leave(address.ToIPv6().SolicitedNode.ToIPAddress());
        return true;
    }

    public override bool Announces(IpAddress address) => _responder.Announces(address.ToIPv6());

    public override void Probe(IpAddress address)
    {
        Span<byte> frame = stackalloc byte[NdpFrame.MaxSize];
        var probe = NdpFrame.Probe(Mac, address.ToIPv6());
        probe.WriteTo(frame);
        TrySend(frame[..probe.Size]);
    }

    public override void Ask(IpAddress address, IpAddress asker)
    {
        Span<byte> frame = stackalloc byte[NdpFrame.MaxSize];
        NdpFrame.Solicitation(Mac, asker.ToIPv6(), address.ToIPv6()).WriteTo(frame);
        TrySend(frame);
    }

    public override void SendGratuitous(IpAddress address)
    {
        Span<byte> frame = stackalloc byte[NdpFrame.MaxSize];
        NdpFrame.Unsolicited(Mac, address.ToIPv6()).WriteTo(frame);
        SendGratuitous(address, frame);
    }

    public override void Refresh()
    {
        if (_unheard.Count == 0)
            return;
        IPv6[] missing = [.. _unheard];
        foreach (var address in missing)
            Join(address);
    }

    public override IEnumerable<SharedClient> OwnClients() =>
        _responder.Askers.WhereAnswered().Select(asker => new SharedClient(asker.Mac, asker.Address.ToIpAddress(), asker.Target.ToIpAddress()));

    public override bool Learn(SharedClient client) =>
        _responder.Announces(client.Target.ToIPv6())
        && _responder.Askers.Learn(new Asker<IPv6>(client.Mac, client.Address.ToIPv6(), client.Target.ToIPv6()))
        && _responder.Answers(client.Target.ToIPv6(), client.Mac);

    public override void TellAskers(Func<IpAddress, MacAddress, bool> select)
    {
        Span<byte> frame = stackalloc byte[NdpFrame.MaxSize];
        foreach (var asker in _responder.Askers.ToArray())
        {
            var address = asker.Target.ToIpAddress();
            if (!select(address, asker.Mac))
                continue;
            _responder.Askers.Answered(asker);
            var told = NdpFrame.UnsolicitedTo(Mac, asker.Target, asker.Mac, asker.Address);
            told.WriteTo(frame);
            SendGratuitous(address, frame[..told.Size]);
        }
    }

    protected override void Handle(ReadOnlySpan<byte> frame, PacketType type)
    {
        if (_responder.Handle(frame, type, out var heard, _answer, out var length) is NdpRejection.None)
            Answer(heard.Message.Target.ToIpAddress(), _answer.AsSpan(0, length));
        if (heard.Message.Type is NeighborMessageType.Advertisement)
            Overhear(heard.Message.Target.ToIpAddress(), heard.Message.LinkAddress ?? heard.SourceMac);
        else if (heard.Message.Type is NeighborMessageType.Solicitation && heard.Source.IsUnspecified)
            Overhear(heard.Message.Target.ToIpAddress(), heard.SourceMac, isProbe: true);
    }

    private void Join(IPv6 address)
    {
        try
        {
            _socket.Join(address.SolicitedNode.ToIPAddress());
            _joined.Add(address);
            _unheard.Remove(address);
        }
        catch (SocketException failure)
        {
            if (_unheard.Add(address) && _unheard.Count == 1)
                _log.LogWarning("{Interface}: neighbours cannot ask for {Address}: its group cannot be joined: {Failure}", Link.Name, address, failure.Message);
        }
    }
}
