using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Proxy;
using Portolan.Proxy.Configuration;

namespace Portolan.Tests.Proxy.Configuration;

public sealed class WantedSettingTests
{
    private static Dictionary<string, int> Of(ConntrackOptions options, int processors) =>
        WantedSetting.Of(options, processors).ToDictionary(setting => Path.GetFileName(setting.Path), setting => setting.Value);

    [Theory]
    [InlineData(32_768, 131_072, 2, 131_072)]
    [InlineData(32_768, 131_072, 8, 262_144)]
    [InlineData(32_768, 131_072, 64, 1_048_576)]
    [InlineData(int.MaxValue, 0, 64, 1_048_576)]
    [InlineData(100, 0, 3, 300)]
    [Contract("proxy §1.8-3")]
    public void TracksConnectionsByTheNumberOfProcessors(int perCore, int min, int processors, int connections)
    {
        var settings = Of(new ConntrackOptions { MaxPerCore = perCore, Min = min }, processors);
        Assert.Equal(connections, settings["nf_conntrack_max"]);
        Assert.Equal(connections / 4, settings["hashsize"]);
    }

    [Fact]
    public void MakesKubeProxysSettings_WhereNothingIsSaid() => Assert.Equal(
        [("ip_forward", 1), ("nf_conntrack_max", 131_072), ("hashsize", 32_768), ("nf_conntrack_tcp_timeout_established", 86_400), ("nf_conntrack_tcp_timeout_close_wait", 3_600)],
        Of(new ConntrackOptions(), 1).Select(setting => (setting.Key, setting.Value)));

    [Fact]
    public void MakesEverySettingAskedFor()
    {
        var settings = Of(new ConntrackOptions { TcpBeLiberal = true, UdpTimeout = TimeSpan.FromSeconds(40), UdpStreamTimeout = TimeSpan.FromMinutes(5) }, 1);
        Assert.Equal((1, 40, 300), (settings["nf_conntrack_tcp_be_liberal"], settings["nf_conntrack_udp_timeout"], settings["nf_conntrack_udp_timeout_stream"]));
    }

    [Fact]
    [Contract("proxy §1.8-3")]
    public void LeavesAloneWhatIsZero() => Assert.Equal(
        ["ip_forward"],
        Of(new ConntrackOptions { MaxPerCore = 0, TcpEstablishedTimeout = TimeSpan.Zero, TcpCloseWaitTimeout = TimeSpan.Zero }, 8).Keys);

    [Theory]
    [InlineData(5, true, "5")]
    [InlineData(20, true, "20")]
    [InlineData(5, false, "10")]
    public void LowersTimeoutsButNoLimits(int already, bool isLeast, string after)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, already + "\n");
            Assert.True(NodeSysctls.Apply([new WantedSetting(file, isLeast && already == 5 ? 5 : 10, isLeast)], NullLogger.Instance));
            Assert.Equal(after, File.ReadAllText(file).Trim());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void MakesTheOthers_WhenTheKernelRefusesOne()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "0");
            Assert.False(NodeSysctls.Apply([new WantedSetting("/proc/sys/net/no-such-setting", 1, true), new WantedSetting(file, 1, true)], NullLogger.Instance));
            Assert.Equal("1", File.ReadAllText(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    [Contract("proxy §1.8-3")]
    public void SetsTimeoutsOfARealKernel()
    {
        using var lab = new ForwardingLab(pods: 1);
        lab.Node.Inside(() =>
        {
            NodeSysctls.Apply(WantedSetting.Of(new ConntrackOptions { MaxPerCore = 0, TcpBeLiberal = true, UdpTimeout = TimeSpan.FromSeconds(17) }, 1), NullLogger.Instance);
            Assert.Equal("86400", File.ReadAllText("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established").Trim());
            Assert.Equal("1", File.ReadAllText("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal").Trim());
            Assert.Equal("17", File.ReadAllText("/proc/sys/net/netfilter/nf_conntrack_udp_timeout").Trim());
            return 0;
        });
    }

    [Fact]
    public void SetsTheOomScore_AndOnlyWarnsWhereItMayNot()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "0\n");
            OomScore.Apply(-999, true, NullLogger.Instance, file);
            Assert.Equal("-999", File.ReadAllText(file));
            OomScore.Apply(-999, true, NullLogger.Instance, "/proc/self/no-such-file");
        }
        finally
        {
            File.Delete(file);
        }
    }
}
