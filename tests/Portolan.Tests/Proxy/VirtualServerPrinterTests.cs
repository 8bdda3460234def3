using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy;

namespace Portolan.Tests.Proxy;

public sealed class VirtualServerPrinterTests
{
    private static readonly KernelVirtualServer[] Servers =
    [
        new(Protocol.Tcp, IpAddress.Parse("192.168.100.240"), 80, false,
        [
            new KernelRealServer(new RealServer(IpAddress.Parse("10.233.90.71"), 8080), 1, 4, null, new OpenConnections(0, 0)),
            new KernelRealServer(new RealServer(IpAddress.Parse("10.233.92.249"), 8080), 3, 123_456_789, null, new OpenConnections(12, 3)),
        ]),
        new(Protocol.Udp, IpAddress.Parse("fd00::1"), 53, false, [new KernelRealServer(new RealServer(IpAddress.Parse("fd00:9::2"), 5353), 4093, 0)]) { Scheduler = "maglev", PersistentSeconds = 10800 },
    ];

    [Fact]
    public void PrintsTheFormOfIpvsadm()
    {
        var output = new StringWriter { NewLine = "\n" };
        new VirtualServerPrinter(null).Print(Servers, output);
        Assert.Equal(
            "IP Virtual Server version 1.2.1 (size=4096)\n" +
            "Prot LocalAddress:Port Scheduler Flags\n" +
            "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n" +
            "TCP  192.168.100.240:80 random\n" +
            "  -> 10.233.90.71:8080            Masq    1      0          0         \n" +
            "  -> 10.233.92.249:8080           Masq    3      12         3         \n" +
            "UDP  [fd00::1]:53 maglev persistent 10800\n" +
            "  -> [fd00:9::2]:5353             Masq    4093   -          -         \n",
            output.ToString());
    }

    [Fact]
    public void PrintsConnectionsInTheFormOfIpvsadm()
    {
        var output = new StringWriter { NewLine = "\n" };
        new VirtualServerPrinter(null).PrintStatistics(Servers, output);
        Assert.Equal(
            "IP Virtual Server version 1.2.1 (size=4096)\n" +
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n" +
            "  -> RemoteAddress:Port\n" +
            "TCP  192.168.100.240:80            123456K        -        -        -        -\n" +
            "  -> 10.233.90.71:8080                   4        -        -        -        -\n" +
            "  -> 10.233.92.249:8080            123456K        -        -        -        -\n" +
            "UDP  [fd00::1]:53                        0        -        -        -        -\n" +
            "  -> [fd00:9::2]:5353                    0        -        -        -        -\n",
            output.ToString());
    }

    [Fact]
    public void NamesPorts_UnlessNumbersAreWanted()
    {
        var output = new StringWriter();
        new VirtualServerPrinter(["# comment", "http\t80/tcp\twww # web", "domain 53/udp", "domain 53/tcp"]).Print(Servers, output);
        Assert.Contains("TCP  192.168.100.240:http random", output.ToString());
        Assert.Contains("UDP  [fd00::1]:domain maglev", output.ToString());
    }
}
