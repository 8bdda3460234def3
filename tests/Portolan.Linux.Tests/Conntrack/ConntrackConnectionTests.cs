using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Conntrack;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Tests.Conntrack;

public sealed class ConntrackConnectionTests : IDisposable
{
    private const byte Tcp = 6, Udp = 17;
    private static readonly IPEndPoint _dns = IPEndPoint.Parse("10.8.0.10:53"), _old = IPEndPoint.Parse("10.9.0.2:53"), _new = IPEndPoint.Parse("10.9.0.3:53");
    private readonly ConntrackConnection? _conntrack;
    private readonly NetlinkSocket? _socket;

    public ConntrackConnectionTests()
    {
        PrivateNetwork.SkipUnlessRoot();
        (_conntrack, _socket) = PrivateNetwork.Open(() => (ConntrackConnection.Open(), NetlinkSocket.Open(NetlinkFamily.Netfilter)));
    }

    public void Dispose()
    {
        _conntrack?.Dispose();
        _socket?.Dispose();
    }

    private static IPEndPoint Client(int number) => new(new IPAddress([10, 9, (byte)(1 + (number >> 16)), (byte)(number >> 8)]), 1024 + (number & 0xff));

    private int Count(AddressFamily family = AddressFamily.InterNetwork)
    {
        var count = 0;
        _conntrack!.Each(family, _ => count++);
        return count;
    }

    [Fact]
    public void DeletesWhatIsChosen_AndNothingElse()
    {
        var flows = new TestFlows(_socket!);
        for (var i = 0; i < 1000; i++)
            flows.Add(Udp, Client(i), _dns, i % 2 == 0 ? _old : _new);
        flows.Flush();
        Assert.Equal(500, _conntrack!.DeleteWhere(AddressFamily.InterNetwork, null, flow => flow.Reply.Source.SequenceEqual(_old.Address.GetAddressBytes())));
        var left = new List<string>();
        _conntrack.Each(AddressFamily.InterNetwork, flow => left.Add(new IPAddress(flow.Reply.Source).ToString()));
        Assert.Equal(500, left.Count);
        Assert.All(left, answering => Assert.Equal("10.9.0.3", answering));
    }

    [Fact]
    public void IsShownOnlyWhatPassesTheFilter()
    {
        var flows = new TestFlows(_socket!);
        flows.Add(Udp, Client(1), _dns, _old);
        flows.Add(Tcp, Client(2), _dns, _old);
        flows.Add(Udp, Client(3), IPEndPoint.Parse("10.8.0.10:54"), _old);
        flows.Add(Udp, Client(4), IPEndPoint.Parse("10.8.0.11:53"), _old);
        flows.Flush();
        Assert.Equal([1, 2, 3, 4], Shown(null));
        Assert.Equal([1, 3, 4], Shown(new ConntrackFilter(Udp)));
        Assert.Equal([1, 4], Shown(new ConntrackFilter(Udp, 53)));
        Assert.Equal([1], Shown(new ConntrackFilter(Udp, 53, _dns.Address.GetAddressBytes())));
        Assert.Equal([1, 3], Shown(new ConntrackFilter(Udp, null, _dns.Address.GetAddressBytes())));
        Assert.Empty(Shown(new ConntrackFilter(Udp, 53, IsDestinationTranslated: true)));
        Assert.Equal(4, Count());

        List<int> Shown(ConntrackFilter? filter)
        {
            var shown = new List<int>();
            _conntrack!.DeleteWhere(AddressFamily.InterNetwork, filter, flow =>
            {
                shown.Add(flow.Original.SourcePort - 1024);
                return false;
            });
            shown.Sort();
            return shown;
        }
    }

    [Fact]
    public void TellsFamiliesApart()
    {
        var flows = new TestFlows(_socket!);
        flows.Add(Udp, Client(1), _dns, _old);
        flows.Flush();
        flows.Add(Udp, IPEndPoint.Parse("[fd00:9::7]:1024"), IPEndPoint.Parse("[fd00:8::10]:53"), IPEndPoint.Parse("[fd00:9::2]:53"));
        flows.Flush();
        Assert.Equal(1, _conntrack!.DeleteWhere(AddressFamily.InterNetworkV6, new ConntrackFilter(Udp, 53), _ => true));
        Assert.Equal(1, Count());
        Assert.Equal(0, Count(AddressFamily.InterNetworkV6));
    }

    /// <summary>A node with many connections: what is not meant is not even shown, and what is goes in few datagrams.</summary>
    [Fact]
    public void FindsTheStaleAmongAHundredThousand()
    {
        var flows = new TestFlows(_socket!);
        for (var i = 0; i < 90_000; i++)
            flows.Add(Tcp, Client(i), IPEndPoint.Parse("10.8.0.1:80"), IPEndPoint.Parse("10.9.0.2:8080"));
        for (var i = 0; i < 10_000; i++)
            flows.Add(Udp, Client(i), _dns, i < 1000 ? _old : _new);
        flows.Flush();
        Assert.Equal(100_000, Count());

        var output = TestContext.Current.TestOutputHelper;
        var shown = 0;
        var started = Stopwatch.GetTimestamp();
        _conntrack!.DeleteWhere(AddressFamily.InterNetwork, null, _ => false);
        output?.WriteLine($"all of 100,000 flows shown: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0.0} ms");
        started = Stopwatch.GetTimestamp();
        var deleted = _conntrack.DeleteWhere(AddressFamily.InterNetwork, new ConntrackFilter(Udp, 53, _dns.Address.GetAddressBytes()), flow =>
        {
            shown++;
            return flow.Reply.Source.SequenceEqual(_old.Address.GetAddressBytes());
        });
        output?.WriteLine($"10,000 of one front shown, 1,000 deleted: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0.0} ms");
        started = Stopwatch.GetTimestamp();
        _conntrack.DeleteWhere(AddressFamily.InterNetwork, new ConntrackFilter(Udp, 54), _ => true);
        output?.WriteLine($"none shown: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0.0} ms");
        Assert.Equal((10_000, 1000, 99_000), (shown, deleted, Count()));
    }
}
