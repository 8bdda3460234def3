using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;

namespace Portolan.Speaker.Readiness;

/// <summary>
/// Asks this node's default gateways, by ARP and neighbour solicitations as any station does, whether they are there, as
/// <see cref="GatewayReachability"/> says. What the kernel finds out by itself counts too, and saves the question.
/// </summary>
/// <param name="openMonitor">Opens the routes.</param>
/// <param name="openSocket">Opens a socket for answers of a family on the interface of an index.</param>
/// <param name="log">Told of gateways that fall silent and come back.</param>
/// <param name="onChange">Called from another thread when the gateways become unreachable or reachable.</param>
internal sealed class GatewayWatch(
    Func<GatewayMonitor> openMonitor, Func<int, AddressFamily, NeighborAnswers> openSocket, ILogger log, Action<bool> onChange) : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly GatewayReachability _reachability = new();
    private readonly Dictionary<(int Link, AddressFamily Family), NeighborAnswers> _sockets = [];
    private readonly Dictionary<DefaultGateway, MacAddress> _macs = [];
    private LinkSnapshot _links = new(new Dictionary<int, Link>(), []);
    private bool _linksChanged;
    private bool _isUnreachable;
    private HashSet<DefaultGateway> _silent = [];

    private static long Now => DeadlineWait.Now;

    /// <summary>Takes the interfaces as they are now. Any thread.</summary>
    public void SetLinks(LinkSnapshot links)
    {
        lock (_gate)
            (_links, _linksChanged) = (links, true);
        Wake();
    }

    /// <summary>Whether something is announced on this node, or could be. Any thread.</summary>
    public void SetNeeded(bool isNeeded)
    {
        lock (_gate)
            _reachability.SetNeeded(isNeeded, Now);
        Wake();
    }

    /// <summary>Asks until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var monitor = openMonitor();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var follow = FollowAsync(monitor, both.Token);
        var ask = AskAsync(monitor, both.Token);
        try
        {
            await await Task.WhenAny(follow, ask);
        }
        finally
        {
            // One must not go on without the other; the supervisor starts both again.
            await both.CancelAsync();
            await Task.WhenAll(follow, ask).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            CloseSockets(_ => true);
        }
    }

    public void Dispose()
    {
        CloseSockets(_ => true);
        _wake.Dispose();
    }

    private async Task FollowAsync(GatewayMonitor monitor, CancellationToken stop)
    {
        while (true)
        {
            var answering = await monitor.WaitAsync(stop);
            foreach (var gateway in answering)
                Heard(gateway);
            if (answering.Count == 0)
                Take(monitor);
        }
    }

    private async Task AskAsync(GatewayMonitor monitor, CancellationToken stop)
    {
        Take(monitor);
        while (true)
        {
            bool linksChanged;
            lock (_gate)
                (linksChanged, _linksChanged) = (_linksChanged, false);
            if (linksChanged)
            {
                monitor.Read();
                Take(monitor);
            }

            IReadOnlyList<(DefaultGateway Gateway, bool Answers)> due;
            long? deadline;
            lock (_gate)
            {
                due = _reachability.TakeDue(Now);
                deadline = _reachability.Deadline;
            }

            foreach (var (gateway, answers) in due)
                Ask(gateway, answers);
            Tell();
            await _wake.WaitAsync(deadline is { } next ? TimeSpan.FromMicroseconds(Math.Max(1000, next - Now)) : Longest, stop);
        }
    }

    // Only neighbours that are found by asking: behind a tunnel or a point-to-point link there is nothing to ask for.
    private void Take(GatewayMonitor monitor)
    {
        lock (_gate)
        {
            var gateways = monitor.Current.Where(gateway => _links.Links.TryGetValue(gateway.Link, out var link) && IsAsked(link)).ToList();
            _reachability.Set(gateways, Now);
            foreach (var gone in _macs.Keys.Except(gateways).ToList())
                _macs.Remove(gone);
        }

        CloseSockets(key => !monitor.Current.Any(gateway => gateway.Link == key.Link && gateway.Address.AddressFamily == key.Family));
        Wake();
    }

    private static bool IsAsked(Link link) =>
        (link.Flags & (LinkFlags.Loopback | LinkFlags.NoArp | LinkFlags.PointToPoint)) == 0 && link.HardwareType == Link.Ethernet && link.Address.Length == MacAddress.Size;

    private void Ask(DefaultGateway gateway, bool answers)
    {
        try
        {
            Span<byte> frame = stackalloc byte[NdpFrame.MaxSize];
            var length = Write(gateway, answers, frame);
            if (length > 0)
                SocketFor(gateway).Send(frame[..length]);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // No cable, or no interface: nobody will answer either.
            log.LogDebug("gateway {Gateway} was not asked: {Failure}", gateway.Address, failure.Message);
            CloseSockets(key => key == (gateway.Link, gateway.Address.AddressFamily));
        }
    }

    // One that answered last time is asked alone; else all of the link hear the question, for its hardware address may be another now.
    private int Write(DefaultGateway gateway, bool answers, Span<byte> frame)
    {
        lock (_gate)
        {
            if (!_links.Links.TryGetValue(gateway.Link, out var link) || !IsAsked(link) || SourceFor(gateway) is not { } source)
                return 0;
            Span<byte> bytes = stackalloc byte[MacAddress.Size];
            link.Address.WriteTo(bytes);
            var mac = MacAddress.Read(bytes);
            if (gateway.Address.AddressFamily is AddressFamily.InterNetworkV6)
            {
                var solicitation = NdpFrame.Solicitation(mac, IPv6.Read(source.GetAddressBytes()), IPv6.Read(gateway.Address.GetAddressBytes()));
                solicitation.WriteTo(frame);
                return solicitation.Size;
            }

            var target = answers && _macs.TryGetValue(gateway, out var known) ? known : MacAddress.Broadcast;
            new ArpFrame(target, mac, new ArpPacket(ArpOperation.Request, mac, IPv4.Read(source.GetAddressBytes()), default, IPv4.Read(gateway.Address.GetAddressBytes()))).WriteTo(frame);
            return ArpFrame.Size;
        }
    }

    // The address that the kernel itself would ask from: one of the gateway's own network, or the link's own; else any of the interface.
    private IPAddress? SourceFor(DefaultGateway gateway)
    {
        const byte LinkScope = 253;
        var own = _links.Addresses.Where(address => address.Link == gateway.Link && address.Address.AddressFamily == gateway.Address.AddressFamily).ToList();
        var found = own.Find(address => gateway.Address.IsIPv6LinkLocal
            ? address.Scope == LinkScope
            : new IPNetwork(Masked(address.Address, address.PrefixLength), address.PrefixLength).Contains(gateway.Address));
        return (found ?? own.Find(address => address.Scope == LinkScope) ?? own.FirstOrDefault())?.Address;
    }

    private static IPAddress Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] &= (byte)(0xff00 >> Math.Clamp(length - 8 * i, 0, 8));
        return new IPAddress(bytes);
    }

    private NeighborAnswers SocketFor(DefaultGateway gateway)
    {
        var key = (gateway.Link, gateway.Address.AddressFamily);
        NeighborAnswers socket;
        lock (_gate)
        {
            if (_sockets.TryGetValue(key, out var open))
                return open;
            _sockets[key] = socket = openSocket(gateway.Link, gateway.Address.AddressFamily);
        }

        _ = Task.Run(() => ReceiveAsync(key, socket));
        return socket;
    }

    private async Task ReceiveAsync((int Link, AddressFamily Family) key, NeighborAnswers socket)
    {
        var frame = new byte[512];
        try
        {
            while (true)
            {
                var length = Math.Min(frame.Length, await socket.ReceiveAsync(frame));
                if (Read(key, frame.AsSpan(0, length)) is { } gateway)
                    Heard(gateway);
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // It was closed, or the interface went down: the next question opens another.
            lock (_gate)
            {
                if (_sockets.GetValueOrDefault(key) == socket)
                    _sockets.Remove(key);
            }

            socket.Dispose();
        }
    }

    // The gateway that a frame is an answer of.
    private DefaultGateway? Read((int Link, AddressFamily Family) key, ReadOnlySpan<byte> frame)
    {
        IPAddress address;
        MacAddress? mac = null;
        Span<byte> bytes = stackalloc byte[IPv6.Size];
        if (key.Family is AddressFamily.InterNetworkV6)
        {
            if (NdpFrame.TryParse(frame, out var advertisement) is not NdpRejection.None || advertisement.Message.Type is not NeighborMessageType.Advertisement
                || (advertisement.Message.Flags & NeighborFlags.Solicited) == 0)
                return null;
            advertisement.Message.Target.WriteTo(bytes);
            address = new IPAddress(bytes);
        }
        else
        {
            if (ArpFrame.TryParse(frame, out var reply) is not ArpRejection.None || reply.Packet.Operation is not ArpOperation.Reply)
                return null;
            reply.Packet.Sender.WriteTo(bytes);
            (address, mac) = (new IPAddress(bytes[..IPv4.Size]), reply.Packet.SenderMac);
        }

        lock (_gate)
        {
            foreach (var gateway in _reachability.Gateways)
            {
                if (gateway.Link != key.Link || !gateway.Address.Equals(address))
                    continue;
                if (mac is { } known)
                    _macs[gateway] = known;
                return gateway;
            }
        }

        return null;
    }

    private void Heard(DefaultGateway gateway)
    {
        lock (_gate)
        {
            // A gateway may lead both families.
            foreach (var same in _reachability.Gateways.Where(other => other.Link == gateway.Link && other.Address.Equals(gateway.Address)).ToList())
                _reachability.Answered(same, Now);
        }

        Tell();
    }

    private void Tell()
    {
        lock (_gate)
        {
            var silent = _reachability.Silent.ToHashSet();
            foreach (var gateway in silent.Except(_silent))
                log.LogWarning("gateway {Gateway} does not answer", gateway.Address);
            foreach (var gateway in _silent.Except(silent).Where(_reachability.Gateways.Contains))
                log.LogInformation("gateway {Gateway} answers", gateway.Address);
            _silent = silent;
            if (_reachability.IsUnreachable == _isUnreachable)
                return;
            _isUnreachable = !_isUnreachable;
            onChange(_isUnreachable); // in here: two threads must not tell it in the wrong order
        }
    }

    private void CloseSockets(Func<(int Link, AddressFamily Family), bool> which)
    {
        lock (_gate)
        {
            foreach (var key in _sockets.Keys.Where(which).ToList())
            {
                _sockets.Remove(key, out var socket);
                socket!.Dispose();
            }
        }
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is about to look anyway.
        }
    }
}
