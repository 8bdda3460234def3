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
            new KernelRealServer(new RealServer(IpAddress.Parse("10.233.90.71"), 8080), 0, 0),
            new KernelRealServer(new RealServer(IpAddress.Parse("10.233.92.249"), 8080), 12, 3),
        ]),
        new(Protocol.Udp, IpAddress.Parse("fd00::1"), 53, false, []),
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
            "  -> 10.233.92.249:8080           Masq    1      12         3         \n" +
            "UDP  [fd00::1]:53 random\n",
            output.ToString());
    }

    [Fact]
    public void NamesPorts_UnlessNumbersAreWanted()
    {
        var output = new StringWriter();
        new VirtualServerPrinter(["# comment", "http\t80/tcp\twww # web", "domain 53/udp", "domain 53/tcp"]).Print(Servers, output);
        Assert.Contains("TCP  192.168.100.240:http random", output.ToString());
        Assert.Contains("UDP  [fd00::1]:domain random", output.ToString());
    }
}
