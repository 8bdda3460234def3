using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker;

/// <summary>
/// Interfaces of a node come and go, get other names and hardware addresses, go down and up, become a bridge's ports and are free again, while addresses
/// are announced. What a client on the same wire then hears is compared with what <c>ip link</c> says of the node.
/// </summary>
public sealed class InterfaceChurnTests
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.100.240", null);
    private static readonly IpAddress Vip6 = IpAddress.Parse("fd00:100::f0", null);

    [Fact]
    public void AlwaysEndsRight()
    {
        const int Rounds = 12;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var wire = new Wire();
        var done = new List<string>();
        for (var round = 0; round < Rounds; round++)
        {
            for (var changes = 1 + random.Next(4); changes > 0; changes--)
                done.Add(wire.Change(random));
            string heard = "", expected = "";
            Assert.True(
                SpinWait.SpinUntil(() => (heard = wire.Heard()) == (expected = wire.Expected()), TimeSpan.FromSeconds(20)),
                $"seed {seed}, after {string.Join("; ", done)}: heard {heard}, expected {expected}");
        }
    }

    /// <summary>A node with any number of wires into a client's bridge, and the announcer, which follows the node's interfaces as the speaker does.</summary>
    private sealed class Wire : IDisposable
    {
        private readonly NetworkNamespace _node;
        private readonly NetworkNamespace _client;
        private readonly Meter _meter = new("test");
        private readonly Lock _gate = new();
        private readonly LinkMonitor _monitor;
        private readonly Layer2Announcer _announcer;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _following;
        private readonly Timer _clock;
        private readonly ArpStation _station;
        private readonly NdpStation _station6;
        private readonly List<string> _names = [];
        private string? _port;
        private int _count;

        public Wire()
        {
            NetworkNamespace.SkipUnlessRoot();
            _node = new NetworkNamespace("churn-node");
            _client = new NetworkNamespace("churn-client");
            _client.Link("link add br0 address 02:00:5e:10:00:14 type bridge mcast_snooping 0");
            _client.Link("link set br0 up");
            _node.Link("link add lan0 type bridge");
            _announcer = new Layer2Announcer(
                InterfaceSelection.Default, new Layer2Sockets(link => _node.Inside(() => ArpSocket.Open(link)), link => _node.Inside(() => NdpSocket.Open(link))),
                new Layer2Counters(_meter), new WireClaims(() => { }), NullLogger.Instance, failed => Locked(() => _announcer!.Failed(failed, Now)));
            _announcer.Set(new ObjectKey("default", "web"), [Vip, Vip6], [], Now);
            _monitor = _node.Inside(LinkMonitor.Open);
            _following = Task.Run(FollowAsync);
            _clock = new Timer(_ => Locked(() => _announcer.Advance(Now)), null, 100, 100);
            using var links = _client.Inside(LinkMonitor.Open);
            var bridge = links.Current.Find("br0")!;
            Assert.True(MacAddress.TryParse(bridge.Address.ToString(), out var mac));
            (_station, _station6) = (new ArpStation(_client, bridge.Index, mac, 200), new NdpStation(_client, bridge.Index, mac, 200));
            Add();
        }

        private static long Now => Environment.TickCount64 * 1000;

        public string Change(Random random)
        {
            var name = _names.Count == 0 ? null : _names[random.Next(_names.Count)];
            switch (random.Next(10))
            {
                case 0 when name is not null:
                    _node.Link($"link delete {name}");
                    _names.Remove(name);
                    if (_port == name)
                        _port = null;
                    return $"delete {name}";
                case 1 when name is not null:
                    var renamed = $"wan{_count++}";
                    _node.Link($"link set {name} down");
                    _node.Link($"link set {name} name {renamed}");
                    _node.Link($"link set {renamed} up");
                    _names[_names.IndexOf(name)] = renamed;
                    if (_port == name)
                        _port = renamed;
                    return $"rename {name} to {renamed}";
                case 2 or 3 when name is not null:
                    _node.Link($"link set {name} address 02:00:5e:20:00:{_count++ % 256:x2}");
                    return $"another address for {name}";
                case 4 when name is not null:
                    _node.Link($"link set {name} down");
                    return $"{name} down";
                case 5 when name is not null:
                    _node.Link($"link set {name} up");
                    return $"{name} up";
                case 6 when name is not null:
                    _node.Link($"link set {name} down");
                    _node.Link($"link set {name} up");
                    return $"{name} down and up";
                case 7:
                    // One port at a time: two would make a loop of the two bridges.
                    if (_port is not null)
                        _node.Link($"link set {_port} nomaster");
                    _port = _port is null ? name : null;
                    if (_port is not null)
                        _node.Link($"link set {_port} master lan0");
                    return _port is null ? "no port" : $"{_port} becomes a port";
                case 8:
                    var up = random.Next(2) == 0;
                    _node.Link($"link set lan0 {(up ? "up" : "down")}");
                    return $"lan0 {(up ? "up" : "down")}";
                default:
                    return _names.Count < 5 ? Add() : "nothing";
            }
        }

        /// <summary>The hardware addresses that should answer: of interfaces that are up, have a carrier, reach the client and are nobody's port.</summary>
        public string Expected()
        {
            using var links = JsonDocument.Parse(_node.RunInside("ip", "-j link"));
            var all = links.RootElement.EnumerateArray().ToList();
            return string.Join(' ', all.Where(Announces).Where(link => Name(link) != "lan0" || all.Exists(port => Master(port) == "lan0" && Has(port, "LOWER_UP")))
                .Select(link => link.GetProperty("address").GetString()).Order(StringComparer.Ordinal));

            static bool Announces(JsonElement link) => Name(link) != "lo" && Has(link, "UP") && Has(link, "LOWER_UP") && Master(link) is null;

            static string Name(JsonElement link) => link.GetProperty("ifname").GetString()!;

            static bool Has(JsonElement link, string flag) => link.GetProperty("flags").EnumerateArray().Any(found => found.GetString() == flag);

            static string? Master(JsonElement link) => link.TryGetProperty("master", out var master) ? master.GetString() : null;
        }

        /// <summary>The hardware addresses that answer, where both families agree; each once.</summary>
        public string Heard()
        {
            _station.Ask(Vip.ToIPv4());
            var arp = new List<string>();
            while (_station.TryNext() is { } frame)
                if (!frame.Packet.IsAnnouncement && frame.Packet.Sender == Vip.ToIPv4())
                    arp.Add(frame.Packet.SenderMac.ToString());
            _station6.Ask(Vip6.ToIPv6());
            var ndp = new List<string>();
            while (_station6.TryNext() is { } frame)
                if ((frame.Message.Flags & NeighborFlags.Solicited) != 0 && frame.Message.Target == Vip6.ToIPv6())
                    ndp.Add(frame.Message.LinkAddress.ToString()!);
            var (first, second) = (string.Join(' ', arp.Order(StringComparer.Ordinal)), string.Join(' ', ndp.Order(StringComparer.Ordinal)));
            return first == second ? first : $"{first} by ARP, {second} by NDP";
        }

        public void Dispose()
        {
            _clock.Dispose();
            _stop.Cancel();
            _following.Wait();
            Locked(_announcer.Dispose);
            _monitor.Dispose();
            _station.Dispose();
            _station6.Dispose();
            _meter.Dispose();
            _stop.Dispose();
            _node.Dispose();
            _client.Dispose();
        }

        private string Add()
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"eth{_count++}");
            _node.Wire(name, _client, "p" + name);
            _client.Link($"link set p{name} master br0");
            _names.Add(name);
            return $"add {name}";
        }

        private async Task FollowAsync()
        {
            try
            {
                for (var links = _monitor.Current; ; links = await _monitor.WaitAsync(_stop.Token))
                {
                    var seen = links;
                    Locked(() => _announcer.SetLinks(seen, Now));
                }
            }
            catch (OperationCanceledException)
            {
                // the test is over
            }
        }

        private void Locked(Action action)
        {
            lock (_gate)
                action();
        }
    }
}
