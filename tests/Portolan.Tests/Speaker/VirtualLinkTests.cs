using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker;

/// <summary>
/// VLANs and bonds come and go, get other names and hardware addresses, go down and up while an address is announced. Not every kernel has them: the end-to-end
/// tests run these in a virtual machine whose kernel does.
/// </summary>
public sealed class VirtualLinkTests
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.100.240", null);

    [Fact]
    public void AnswersOnAVlan_WhateverBecomesOfIt()
    {
        using var wire = new Wire("vlan");
        wire.Node.Wire("eth0", wire.Client, "eth0");
        wire.Client.Link("link add link eth0 name tagged type vlan id 7");
        wire.Client.Link("link set tagged up");
        Vlan("eth0.7");
        wire.Hears("tagged", "eth0.7");
        wire.Hears("eth0", "eth0");
        wire.Node.Link("link set eth0.7 down");
        wire.Hears("tagged");
        wire.Node.Link("link set eth0.7 up");
        wire.Hears("tagged", "eth0.7");
        wire.Node.Link("link set eth0.7 address 02:00:5e:30:00:01");
        wire.Hears("tagged", "eth0.7");
        wire.Node.Link("link set eth0.7 down");
        wire.Node.Link("link set eth0.7 name office");
        wire.Node.Link("link set office up");
        wire.Hears("tagged", "office");
        wire.Node.Link("link delete office");
        wire.Hears("tagged");
        wire.Hears("eth0", "eth0");
        Vlan("eth0.7");
        wire.Hears("tagged", "eth0.7");
        // What is below it goes and comes back.
        wire.Node.Link("link set eth0 down");
        wire.Hears("tagged");
        wire.Node.Link("link set eth0 up");
        wire.Node.Link("link set eth0.7 up");
        wire.Hears("tagged", "eth0.7");
        wire.Node.Link("link delete eth0");
        wire.Node.Wire("eth0", wire.Client, "eth0");
        wire.Client.Link("link add link eth0 name tagged type vlan id 7");
        wire.Client.Link("link set tagged up");
        Vlan("eth0.7");
        wire.Hears("tagged", "eth0.7");

        void Vlan(string name)
        {
            wire.Node.Link($"link add link eth0 name {name} type vlan id 7");
            wire.Node.Link($"link set {name} up");
        }
    }

    [Fact]
    public void AnswersOnABond_WhicheverPortsItHas()
    {
        using var wire = new Wire("bond");
        wire.Client.Link("link add br0 type bridge mcast_snooping 0");
        wire.Client.Link("link set br0 up");
        Cable("eth0");
        Cable("eth1");
        wire.Hears("br0", "eth0", "eth1");
        Bond("bond0", "02:00:5e:30:00:10");
        Enslave("eth0", "bond0");
        wire.Hears("br0", "bond0", "eth1");
        Enslave("eth1", "bond0");
        wire.Hears("br0", "bond0");
        // The port in use goes, and is free: it answers for itself.
        wire.Node.Link("link set eth0 nomaster");
        wire.Node.Link("link set eth0 up");
        wire.Hears("br0", "bond0", "eth0");
        Enslave("eth0", "bond0");
        wire.Hears("br0", "bond0");
        wire.Node.Link("link set bond0 down");
        wire.Hears("br0");
        wire.Node.Link("link set bond0 up");
        wire.Hears("br0", "bond0");
        wire.Node.Link("link set bond0 address 02:00:5e:30:00:11");
        wire.Hears("br0", "bond0");
        wire.Node.Link("link set bond0 down");
        wire.Node.Link("link set bond0 name uplink");
        wire.Node.Link("link set uplink up");
        wire.Hears("br0", "uplink");
        wire.Node.Link("link delete eth1");
        wire.Hears("br0", "uplink");
        wire.Node.Link("link delete uplink");
        wire.Node.Link("link set eth0 up");
        wire.Hears("br0", "eth0");
        Bond("bond0", "02:00:5e:30:00:12");
        Enslave("eth0", "bond0");
        wire.Hears("br0", "bond0");

        void Cable(string name)
        {
            wire.Node.Wire(name, wire.Client, "p" + name);
            wire.Client.Link($"link set p{name} master br0");
        }

        void Bond(string name, string mac)
        {
            wire.Node.Link($"link add {name} address {mac} type bond mode active-backup miimon 20");
            wire.Node.Link($"link set {name} up");
        }

        void Enslave(string port, string bond)
        {
            wire.Node.Link($"link set {port} down");
            wire.Node.Link($"link set {port} master {bond}");
            wire.Node.Link($"link set {port} up");
        }
    }

    /// <summary>A node whose announcer follows its interfaces as the speaker does, and a client.</summary>
    private sealed class Wire : IDisposable
    {
        private readonly Meter _meter = new("test");
        private readonly Lock _gate = new();
        private readonly LinkMonitor _monitor;
        private readonly Layer2Announcer _announcer;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _following;
        private readonly Timer _clock;

        public Wire(string kind)
        {
            NetworkNamespace.SkipUnlessRoot();
            Node = new NetworkNamespace(kind + "-node");
            Client = new NetworkNamespace(kind + "-client");
            try
            {
                SkipUnlessKnown(kind);
            }
            catch
            {
                Node.Dispose();
                Client.Dispose();
                throw;
            }

            _announcer = new Layer2Announcer(
                InterfaceSelection.Default, new Layer2Sockets(link => Node.Inside(() => ArpSocket.Open(link)), link => Node.Inside(() => NdpSocket.Open(link))),
                new Layer2Counters(_meter), new WireClaims(() => { }), NullLogger.Instance, failed => Locked(() => _announcer!.Failed(failed, Now)));
            _announcer.Set(new ObjectKey("default", "web"), [Vip], [], Now);
            _monitor = Node.Inside(LinkMonitor.Open);
            _following = Task.Run(FollowAsync);
            _clock = new Timer(_ => Locked(() => _announcer.Advance(Now)), null, 100, 100);
        }

        public NetworkNamespace Node { get; }

        public NetworkNamespace Client { get; }

        private static long Now => Environment.TickCount64 * 1000;

        /// <summary>In the end, who asks on an interface of the client is answered by exactly these interfaces of the node.</summary>
        public void Hears(string on, params string[] expected)
        {
            Assert.True(MacAddress.TryParse(Address(Client, on), out var mac));
            int index;
            using (var links = Client.Inside(LinkMonitor.Open))
                index = links.Current.Find(on)!.Index;
            using var station = new ArpStation(Client, index, mac, 200);
            string heard = "", wanted = "";
            Assert.True(
                SpinWait.SpinUntil(() => (heard = Answers(station)) == (wanted = string.Join(' ', expected.Select(name => Address(Node, name)).Order(StringComparer.Ordinal))), TimeSpan.FromSeconds(30)),
                $"on {on} {heard} answers, and it should be {wanted} ({string.Join(", ", expected)})");
        }

        public void Dispose()
        {
            _clock.Dispose();
            _stop.Cancel();
            _following.Wait();
            Locked(_announcer.Dispose);
            _monitor.Dispose();
            _meter.Dispose();
            _stop.Dispose();
            Node.Dispose();
            Client.Dispose();
        }

        private static string Answers(ArpStation station)
        {
            station.Ask(Vip.ToIPv4());
            var macs = new SortedSet<string>(StringComparer.Ordinal);
            while (station.TryNext() is { } frame)
                if (!frame.Packet.IsAnnouncement && frame.Packet.Sender == Vip.ToIPv4())
                    macs.Add(frame.Packet.SenderMac.ToString());
            return string.Join(' ', macs);
        }

        private static string Address(NetworkNamespace where, string name)
        {
            using var links = JsonDocument.Parse(where.RunInside("ip", $"-j link show {name}"));
            return links.RootElement[0].GetProperty("address").GetString()!;
        }

        private void SkipUnlessKnown(string kind)
        {
            Node.Link("link add under type veth peer name over"); // loopback carries no VLAN
            try
            {
                Node.Link(kind == "vlan" ? "link add link under name known type vlan id 9" : $"link add known type {kind}");
            }
            catch (InvalidOperationException refused)
            {
                Assert.Skip($"this kernel has no {kind}: {refused.Message.Trim()}");
            }

            Node.Link("link delete known");
            Node.Link("link delete under");
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
