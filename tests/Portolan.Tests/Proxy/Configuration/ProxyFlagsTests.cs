using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Proxy.Configuration;
using static Portolan.Tests.Proxy.Configuration.OptionsFixture;

namespace Portolan.Tests.Proxy.Configuration;

public sealed class ProxyFlagsTests
{
    /// <summary>Every flag that <c>kube-proxy --help</c> lists on Linux, but those that only print something.</summary>
    public static readonly string[] OfKubeProxy =
    [
        "--bind-address", "--bind-address-hard-fail", "--cleanup", "--cluster-cidr", "--config", "--config-sync-period", "--conntrack-max-per-core", "--conntrack-min",
        "--conntrack-tcp-be-liberal", "--conntrack-tcp-timeout-close-wait", "--conntrack-tcp-timeout-established", "--conntrack-udp-timeout", "--conntrack-udp-timeout-stream",
        "--detect-local-mode", "--feature-gates", "--healthz-bind-address", "--healthz-port", "--hostname-override", "--init-only", "--iptables-localhost-nodeports",
        "--iptables-masquerade-bit", "--iptables-min-sync-period", "--iptables-sync-period", "--ipvs-exclude-cidrs", "--ipvs-min-sync-period", "--ipvs-scheduler",
        "--ipvs-strict-arp", "--ipvs-sync-period", "--ipvs-tcp-timeout", "--ipvs-tcpfin-timeout", "--ipvs-udp-timeout", "--kube-api-burst", "--kube-api-content-type",
        "--kube-api-qps", "--kubeconfig", "--log-flush-frequency", "--log-json-info-buffer-size", "--log-json-split-stream", "--log-text-info-buffer-size",
        "--log-text-split-stream", "--logging-format", "--masquerade-all", "--master", "--metrics-bind-address", "--metrics-port", "--nodeport-addresses", "--oom-score-adj",
        "--pod-bridge-interface", "--pod-interface-name-prefix", "--profiling", "--proxy-mode", "--show-hidden-metrics-for-version", "--v", "--vmodule", "--write-config-to",
    ];

    [Fact]
    [Contract("proxy §1.11-1")]
    public void HasEveryFlagOfKubeProxy()
    {
        var command = new System.CommandLine.RootCommand();
        new ProxyFlags().AddTo(command);
        Assert.Empty(OfKubeProxy.Except(command.Options.Select(option => option.Name)));
    }

    [Theory]
    [InlineData("--masquerade-all", "/run/portolan/proxy.sock")]
    [InlineData("--programmed-socket=/tmp/a.sock", "/tmp/a.sock")]
    [InlineData("--programmed-socket= --masquerade-all", "")]
    public void ServesWhatIsProgrammedUnlessToldNotTo(string arguments, string path)
    {
        var options = Valid(FromFlags(arguments.Split(' ')));
        Assert.Equal(path, options.ProgrammedSocket);
        Assert.Equal(arguments.Contains("--masquerade-all", StringComparison.Ordinal), options.MasqueradeAll);
    }

    [Fact]
    public void ForwardsByNftablesAtThePrimaryAddresses_WithoutAnyFlag()
    {
        var reading = FromFlags();
        var options = Valid(reading);
        Assert.Empty(reading.Warnings);
        Assert.Equal(ProxyMode.Nftables, options.Mode);
        Assert.Equal(["192.0.2.7/32"], options.NodePorts.On([IpAddress.Parse("192.0.2.7")]).Prefixes.Select(prefix => prefix.ToString()));
        Assert.Equal(new IPEndPoint(IPAddress.Any, 10256), options.HealthzBindAddress);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 10249), options.MetricsBindAddress);
        Assert.Equal(TimeSpan.Zero, options.MinSyncPeriod);
        Assert.Equal(TimeSpan.FromSeconds(30), options.SyncPeriod);
    }

    [Fact]
    public void ReadsTheFlagsAsK3sPassesThem()
    {
        var options = Valid(FromFlags(
            "--cluster-cidr=10.42.0.0/16", "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-close-wait=0s", "--conntrack-tcp-timeout-established=0s", "--healthz-bind-address=127.0.0.1",
            "--hostname-override=K3s-1", "--kubeconfig=/k", "--proxy-mode=iptables"));
        Assert.Equal(ProxyMode.Iptables, options.Mode);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 10256), options.HealthzBindAddress);
        Assert.Equal("k3s-1", options.HostnameOverride);
        Assert.Equal("/k", options.Kubeconfig);
        Assert.Equal(0, options.Conntrack.MaxPerCore);
    }

    [Theory]
    [InlineData("--masquerade-all", true)]
    [InlineData("--masquerade-all=true", true)]
    [InlineData("--masquerade-all=T", true)]
    [InlineData("--masquerade-all=false", false)]
    [InlineData("--masquerade-all --masquerade-all=0", false)]
    [InlineData("--proxy-mode=ipvs --masquerade-all", true)]
    public void ReadsSwitchesAsGoDoes(string arguments, bool isOn) => Assert.Equal(isOn, Valid(FromFlags(arguments.Split(' '))).MasqueradeAll);

    [Theory]
    [InlineData("--healthz-bind-address=")]
    [InlineData("--healthz-bind-address=0.0.0.0:0")]
    [InlineData("--healthz-port=0")]
    public void ServesNowhere_WhenToldSo(string argument)
    {
        var options = Valid(FromFlags(argument));
        Assert.Null(options.HealthzBindAddress);
        Assert.NotNull(options.MetricsBindAddress);
    }

    [Theory]
    [InlineData("--metrics-bind-address=[::]:10249", "[::]:10249")]
    [InlineData("--metrics-bind-address=::1", "[::1]:10249")]
    [InlineData("--metrics-bind-address=192.0.2.1 --metrics-port=7", "192.0.2.1:7")]
    [InlineData("--metrics-bind-address=192.0.2.1:8 --metrics-port=7", "192.0.2.1:8")]
    [InlineData("--metrics-port=7", "127.0.0.1:10249")]
    [InlineData("--bind-address=2001:db8::1", "[::1]:10249")]
    public void CompletesAddressesAsKubeProxyDoes(string arguments, string address) => Assert.Equal(IPEndPoint.Parse(address), Valid(FromFlags(arguments.Split(' '))).MetricsBindAddress);

    [Fact]
    public void TakesIptablesPeriodsInNftablesMode_AndIpvsPeriodsOnlyInIpvsMode()
    {
        string[] flags = ["--iptables-sync-period=7s", "--iptables-min-sync-period=2s", "--ipvs-sync-period=9s", "--ipvs-min-sync-period=3s"];
        var nftables = Valid(FromFlags(flags));
        Assert.Equal((7, 2), (nftables.SyncPeriod.TotalSeconds, nftables.MinSyncPeriod.TotalSeconds));
        var ipvs = Valid(FromFlags([.. flags, "--proxy-mode=ipvs"]));
        Assert.Equal((9, 3), (ipvs.SyncPeriod.TotalSeconds, ipvs.MinSyncPeriod.TotalSeconds));
    }

    [Theory]
    [InlineData("--iptables-masquerade-bit=3")]
    [InlineData("--iptables-masquerade-bit=3 --proxy-mode=iptables")]
    public void TakesTheMasqueradeBitInEveryMode(string arguments) => Assert.Equal(3, Valid(FromFlags(arguments.Split(' '))).MasqueradeBit);

    [Fact]
    public void AddsUpListsAndTakesTheLastOfOtherFlags()
    {
        var options = Valid(FromFlags("--nodeport-addresses=primary,10.0.0.0/8", "--nodeport-addresses", "localhost", "--oom-score-adj=1", "--oom-score-adj=-2"));
        Assert.Equal(["primary", "localhost"], options.NodePorts.Keywords);
        Assert.Equal("10.0.0.0/8", Assert.Single(options.NodePorts.Prefixes).ToString());
        Assert.Equal(-2, options.OomScoreAdj);
    }

    [Theory]
    [InlineData("--conntrack-max-per-core=x", "--conntrack-max-per-core: \"x\" is not a number")]
    [InlineData("--conntrack-udp-timeout=3", "--conntrack-udp-timeout: \"3\" is not a duration such as 30s or 1h30m")]
    [InlineData("--masquerade-all=maybe", "--masquerade-all: \"maybe\" is not true or false")]
    [InlineData("--feature-gates=A", "--feature-gates: \"A\" is not names with true or false")]
    public void RefusesAWrongValueByTheFlagsName(string argument, string error) => Assert.Equal(error, Assert.Single(Parse(argument).Parse.Errors).Message);

    [Fact]
    [Contract("proxy §1.11-3")]
    public void LetsTheFileCount_AndSaysWhichFlagsDoNot()
    {
        var reading = FromFile(
            Header + "mode: nftables\nhostnameOverride: file\nbindAddress: 192.0.2.1\nlogging: {verbosity: 1}",
            "--hostname-override=flag", "--bind-address=192.0.2.2", "--v=4", "--kubeconfig=/k", "--master=https://192.0.2.3", "--proxy-mode=ipvs", "--healthz-port=0");
        var options = Valid(reading);
        Assert.Equal("flag", options.HostnameOverride);
        Assert.Equal("192.0.2.1", options.BindAddress.ToString());
        Assert.Equal(4, options.Verbosity);
        Assert.Equal("https://192.0.2.3", options.Master);
        Assert.Equal(ProxyMode.Nftables, options.Mode);
        Assert.Null(options.Kubeconfig);
        Assert.NotNull(options.HealthzBindAddress);
        Assert.Equal("not looked at, because --config is given: --kubeconfig, --bind-address, --proxy-mode", Assert.Single(reading.Warnings));
    }

    [Theory]
    [InlineData("--v=4", LogLevel.Debug)]
    [InlineData("-v=6", LogLevel.Trace)]
    [InlineData("-v 2", LogLevel.Information)]
    [InlineData("-v 9 --log-level error", LogLevel.Error)]
    [InlineData("--log-level debug", LogLevel.Debug)]
    public void WritesAsMuchAsAskedFor(string arguments, LogLevel level)
    {
        var (flags, parse) = Parse(arguments.Split(' '));
        Assert.Equal(level, flags.LogLevel(parse, flags.Read(parse).Options!.Verbosity));
    }

    [Fact]
    [Contract("proxy §1.11-4")]
    public void NamesWhatItAcceptsWithoutEffect_InOneLine() => Assert.Equal(
        "accepted without effect: featureGates, clientConnection.qps, enableProfiling",
        Assert.Single(FromFlags("--profiling", "--feature-gates=A=true,B=false", "--kube-api-qps=50", "--kube-api-burst=10").Warnings));
}
