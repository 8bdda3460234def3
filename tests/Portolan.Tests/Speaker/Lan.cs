using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Hosting;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker;

/// <summary>A node and a client on one wire.</summary>
internal sealed class Lan : IDisposable
{
    private readonly NetworkNamespace _client;
    private readonly Meter _meter = new("test");

    public Lan()
    {
        NetworkNamespace.SkipUnlessRoot();
        Node = new NetworkNamespace("arp-node");
        _client = new NetworkNamespace("arp-client");
        Metrics = new MetricsExposition(_meter);
        Node.Wire("eth0", _client, "eth0");
        Announcer = new Layer2Announcer(
            InterfaceSelection.Default, new Layer2Sockets(link => Node.Inside(() => ArpSocket.Open(link)), link => Node.Inside(() => NdpSocket.Open(link))), new Layer2Counters(_meter), Claims, NullLogger.Instance, Failures.Enqueue);
        Rescan();
        (Client, Client6) = OpenClient();
    }

    // A new wire drops what is sent before the kernel has switched its queues on, a moment after its ends came up.
    private static LinkSnapshot Running(NetworkNamespace where)
    {
        LinkSnapshot? links = null;
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                using var monitor = where.Inside(LinkMonitor.Open);
                links = monitor.Current;
                return links.Find("eth0")?.Has(LinkFlags.Running) ?? false;
            },
            TimeSpan.FromSeconds(10)));
        return links!;
    }

    public NetworkNamespace Node { get; }

    public MetricsExposition Metrics { get; }

    public System.Collections.Concurrent.ConcurrentQueue<LinkResponder> Failures { get; } = new();

    public Layer2Announcer Announcer { get; }

    public WireClaims Claims { get; } = new(() => { });

    public ArpStation Client { get; private set; }

    /// <summary>The same client's network card, for IPv6.</summary>
    public NdpStation Client6 { get; private set; }

    /// <summary>The client's own kernel.</summary>
    public NetworkNamespace ClientHost => _client;

    public LinkSnapshot Links { get; private set; } = new(new Dictionary<int, Link>(), []);

    public void Rescan()
    {
        Links = Running(Node);
        Announcer.SetLinks(Links, 0);
    }

    public void Recreate()
    {
        Node.Link("link delete eth0");
        Node.Wire("eth0", _client, "eth0");
        Client.Dispose();
        Client6.Dispose();
        (Client, Client6) = OpenClient();
        Rescan();
    }

    public MacAddress MacOf(string name) => Mac(Links.Find(name)!);

    public void Dispose()
    {
        Announcer.Dispose();
        Client.Dispose();
        Client6.Dispose();
        Metrics.Dispose();
        _meter.Dispose();
        Node.Dispose();
        _client.Dispose();
    }

    private (ArpStation, NdpStation) OpenClient()
    {
        var link = Running(_client).Find("eth0")!;
        return (new ArpStation(_client, link.Index, Mac(link)), new NdpStation(_client, link.Index, Mac(link)));
    }

    private static MacAddress Mac(Link link)
    {
        Span<byte> bytes = stackalloc byte[6];
        link.Address.WriteTo(bytes);
        return MacAddress.Read(bytes);
    }
}
