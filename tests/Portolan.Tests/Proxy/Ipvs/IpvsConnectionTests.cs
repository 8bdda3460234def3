using System.Net.Sockets;
using Portolan.Linux.Ipvs;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>What is sent is what <c>ipvsadm</c> lists, and what <c>ipvsadm</c> sends is what is read.</summary>
public sealed class IpvsConnectionTests
{
    private static readonly IpvsServiceKey Key = new(AddressFamily.InterNetwork, 6, 0x0a080001, 80);

    public IpvsConnectionTests() => IpvsKernel.SkipUnlessThere();

    [Theory]
    [InlineData("rr")]
    [InlineData("wrr")]
    [InlineData("lc")]
    [InlineData("wlc")]
    [InlineData("lblc")]
    [InlineData("lblcr")]
    [InlineData("sh")]
    [InlineData("dh")]
    [InlineData("sed")]
    [InlineData("nq")]
    [InlineData("mh")]
    [InlineData("fo")]
    [InlineData("ovf")]
    public void EverySchedulerGoesThereAndBack(string scheduler)
    {
        using var node = new NetworkNamespace("ipvs");
        using var ipvs = IpvsKernel.Open(node);
        var service = new IpvsService(Key, scheduler, IpvsServiceFlags.None, 0, 32);
        Change(ipvs, batch => batch.Add(service));
        Assert.Equal(service, Assert.Single(ipvs.Services()));
        Assert.Equal($"-A -t 10.8.0.1:80 -s {scheduler}", node.RunInside("ipvsadm", "-Sn").Trim());
    }

    [Theory]
    [InlineData("-s mh -b mh-fallback,mh-port", IpvsServiceFlags.Scheduler1 | IpvsServiceFlags.Scheduler2, "mh")]
    [InlineData("-s mh -b mh-port", IpvsServiceFlags.Scheduler2, "mh")]
    [InlineData("-s sh -b sh-fallback", IpvsServiceFlags.Scheduler1, "sh")]
    [InlineData("-s rr -p 10800", IpvsServiceFlags.Persistent, "rr", 10800u)]
    [InlineData("-s rr -p 60 -M 255.255.255.0", IpvsServiceFlags.Persistent, "rr", 60u, (byte)24)]
    public void EveryFlagGoesThereAndBack(string rule, IpvsServiceFlags flags, string scheduler, uint timeout = 0, byte prefix = 32)
    {
        using var node = new NetworkNamespace("ipvs");
        using var ipvs = IpvsKernel.Open(node);
        var service = new IpvsService(Key, scheduler, flags, timeout, prefix);
        Change(ipvs, batch => batch.Add(service));
        Assert.Equal(service, Assert.Single(ipvs.Services()));
        Assert.Equal($"-A -t 10.8.0.1:80 {rule}", node.RunInside("ipvsadm", "-Sn").Trim());

        Change(ipvs, batch => batch.Delete(Key));
        node.RunInside("ipvsadm", $"-A -t 10.8.0.1:80 {rule}");
        Assert.Equal(service with { Timeout = timeout }, Assert.Single(ipvs.Services()));
    }

    [Fact]
    public void ReadsWhatIpvsadmMade()
    {
        using var node = new NetworkNamespace("ipvs");
        using var ipvs = IpvsKernel.Open(node);
        foreach (var arguments in (string[])[
            "-A -f 7 -s rr", "-A -u 10.8.0.1:53 -s wlc -o", "-A -t [fd00:8::1]:80 -s rr", "-A --sctp-service 10.8.0.1:80 -s rr",
            "-a -u 10.8.0.1:53 -r 10.9.0.2:53 -g -w 3 -x 100 -y 50", "-a -u 10.8.0.1:53 -r 10.9.0.3:53 -i -w 0", "-a -t [fd00:8::1]:80 -r [fd00:9::2]:8080 -m",
            "-a -u 10.8.0.1:53 -r 10.9.0.4:53 -i --tun-type gue --tun-port 6080 --tun-csum"])
            node.RunInside("ipvsadm", arguments);

        var services = ipvs.Services().ToDictionary(service => service.Key);
        Assert.Equal(4, services.Count);
        Assert.Equal("rr", services[new IpvsServiceKey(AddressFamily.InterNetwork, 0, 0, 0, 7)].Scheduler);
        var udp = services[new IpvsServiceKey(AddressFamily.InterNetwork, 17, 0x0a080001, 53)];
        Assert.Equal(IpvsServiceFlags.OnePacket, udp.Flags);
        var servers = ipvs.Servers(udp.Key).ToDictionary(server => server.Key.Address);
        Assert.Equal((IpvsForwarding.Direct, 3, 100u, 50u), (servers[0x0a090002].Forwarding, servers[0x0a090002].Weight, servers[0x0a090002].UpperThreshold, servers[0x0a090002].LowerThreshold));
        Assert.Equal((IpvsForwarding.Tunnel, 0), (servers[0x0a090003].Forwarding, servers[0x0a090003].Weight));
        Assert.Equal((1, 6080, 1), (servers[0x0a090004].TunnelType, servers[0x0a090004].TunnelPort, servers[0x0a090004].TunnelFlags));
        var ipv6 = services.Values.Single(service => service.Key.Family is AddressFamily.InterNetworkV6);
        Assert.Equal(128, ipv6.PrefixLength);
        Assert.Equal("[fd00:9::2]:8080", Assert.Single(ipvs.Servers(ipv6.Key)).Key.ToString());

        // The other way to the same: all at once.
        using var file = node.Inside(() => new IpvsProcFile());
        var table = file.Read();
        Assert.Equal(3, table.Count); // without the one of a mark
        Assert.Equal(servers.Values.Select(server => $"{server.Key} {server.Weight} {server.Forwarding}").Order(), table[udp.Key].Select(server => $"{server.Key} {server.Weight} {server.Forwarding}").Order());
        Assert.Equal(ipvs.Servers(ipv6.Key).Single().Key, table[ipv6.Key].Single().Key);
    }

    [Fact]
    public void OneRefusalLeavesTheOthersAlone()
    {
        using var node = new NetworkNamespace("ipvs");
        using var ipvs = IpvsKernel.Open(node);
        var batch = ipvs.NewBatch();
        for (ushort port = 1; port <= 600; port++)
            batch.Add(new IpvsService(Key with { Port = port }, port == 300 ? "nonesuch" : "rr", IpvsServiceFlags.None, 0, 32));
        var refusal = Assert.Single(ipvs.Apply(batch));
        Assert.Equal(("add virtual server TCP 10.8.0.1:300", 2, "nonesuch"), (refusal.Operation, refusal.Errno, refusal.Scheduler));
        Assert.Equal(599, ipvs.Services().Count);
    }

    [Fact]
    public void SetsTimeouts_AndZeroLeavesThem()
    {
        using var node = new NetworkNamespace("ipvs");
        using var ipvs = IpvsKernel.Open(node);
        var before = ipvs.Timeouts();
        ipvs.Set(new IpvsTimeouts(1000, 0, 77));
        Assert.Equal(new IpvsTimeouts(1000, before.TcpFin, 77), ipvs.Timeouts());
        Assert.Equal(new Version(1, 2, 1), ipvs.Information().Version);
        Assert.True(ipvs.Information().TableSize > 0);
    }

    private static void Change(IpvsConnection ipvs, Action<IpvsBatch> change)
    {
        var batch = ipvs.NewBatch();
        change(batch);
        Assert.Empty(ipvs.Apply(batch));
    }
}
