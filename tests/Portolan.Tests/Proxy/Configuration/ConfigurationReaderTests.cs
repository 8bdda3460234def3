using System.Net;
using CsCheck;
using Portolan.Commands;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Configuration;
using static Portolan.Tests.Proxy.Configuration.OptionsFixture;

namespace Portolan.Tests.Proxy.Configuration;

public sealed class ConfigurationReaderTests
{
    private static readonly string[] _files = [TestFile("kubeadm.yaml"), TestFile("kubespray.yaml"), TestFile("k3s.yaml")];

    [Fact]
    [Contract("proxy §1.11-2")]
    public void AcceptsTheFileThatKubeadmGenerates()
    {
        var reading = FromFile(TestFile("kubeadm.yaml"));
        var options = Valid(reading);
        Assert.Equal(ProxyMode.Iptables, options.Mode);
        Assert.Equal("/var/lib/kube-proxy/kubeconfig.conf", options.Kubeconfig);
        Assert.Equal([IpPrefix.Containing(IpAddress.Parse("10.244.0.0"), 16)], options.PodDetection.ClusterCidrs);
        Assert.Equal(new IPEndPoint(IPAddress.Any, 10256), options.HealthzBindAddress);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 10249), options.MetricsBindAddress);
        Assert.Equal(new ConntrackOptions(), options.Conntrack);
        Assert.Equal(-999, options.OomScoreAdj);
        Assert.Equal(TimeSpan.FromSeconds(30), options.SyncPeriod);
        Assert.Equal(TimeSpan.Zero, options.MinSyncPeriod);
        Assert.Null(options.HostnameOverride);
        Assert.Null(options.BindAddress);
        Assert.True(options.NodePorts.On([]).LoopbackIPv4);
        Assert.StartsWith("mode: \"\" means iptables", Assert.Single(reading.Warnings));
    }

    [Fact]
    [Contract("proxy §1.11-2")]
    public void AcceptsTheFileThatKubesprayGenerates_AmongOtherDocuments()
    {
        var reading = FromFile(TestFile("kubespray.yaml"));
        var options = Valid(reading);
        Assert.Equal(ProxyMode.Ipvs, options.Mode);
        Assert.Equal("node1", options.HostnameOverride);
        Assert.Null(options.Kubeconfig);
        Assert.Equal([IpPrefix.Containing(IpAddress.Parse("10.233.64.0"), 18)], options.PodDetection.ClusterCidrs);
        Assert.False(options.NodePorts.On([]).LoopbackIPv4);
        Assert.Equal("rr", options.Ipvs.Scheduler);
        Assert.True(options.Ipvs.StrictArp);
        Assert.DoesNotContain(reading.Warnings, warning => warning.StartsWith("accepted without effect", StringComparison.Ordinal));
    }

    [Fact]
    [Contract("proxy §1.11-2")]
    public void AcceptsTheFileThatK3sGenerates()
    {
        var options = Valid(FromFile(TestFile("k3s.yaml")));
        Assert.Equal("k3s-server-1", options.HostnameOverride);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 10256), options.HealthzBindAddress);
        Assert.Equal(["10.42.0.0/16", "2001:cafe:42::/56"], options.PodDetection.On([])!.Cidrs.Select(cidr => cidr.ToString()));
        Assert.Equal([new WantedSetting("/proc/sys/net/ipv4/ip_forward", 1, true)], WantedSetting.Of(options.Conntrack, 4));
    }

    [Fact]
    [Contract("proxy §1.11-2")]
    public void ReadsEveryFieldOfEverySection()
    {
        var reading = FromFile(Header + """
            bindAddress: "2001:db8::7"
            healthzBindAddress: "[2001:db8::7]:99"
            metricsBindAddress: "::1"
            bindAddressHardFail: true
            mode: nftables
            nftables: {masqueradeAll: true, masqueradeBit: 3, syncPeriod: 1m, minSyncPeriod: 250ms}
            iptables: {masqueradeAll: false, syncPeriod: 2s}
            detectLocalMode: InterfaceNamePrefix
            detectLocal: {interfaceNamePrefix: cali}
            nodePortAddresses: [primary, localhost, 192.0.2.0/24]
            oomScoreAdj: 7
            conntrack: {maxPerCore: 1, min: 2, tcpEstablishedTimeout: 3s, tcpCloseWaitTimeout: 4s, tcpBeLiberal: true, udpTimeout: 5s, udpStreamTimeout: 6s}
            ipvs: {excludeCIDRs: [198.51.100.0/24]}
            logging: {verbosity: 4, format: json, vmodule: [{filePattern: x, verbosity: 3}]}
            clientConnection: {kubeconfig: /k, qps: 2.5, burst: 3, acceptContentTypes: a, contentType: b}
            configSyncPeriod: 1h
            featureGates: {Some: true}
            enableProfiling: true
            showHiddenMetricsForVersion: "1.36"
            winkernel: {networkName: n, sourceVip: s, enableDSR: true, rootHnsEndpointName: r, forwardHealthCheckVip: true}
            windowsRunAsService: true
            portRange: 1-2
            udpIdleTimeout: 250ms
            """);
        var options = Valid(reading);
        Assert.Equal(ProxyMode.Nftables, options.Mode);
        Assert.Equal(IpAddress.Parse("2001:db8::7"), options.BindAddress);
        Assert.Equal(IPEndPoint.Parse("[2001:db8::7]:99"), options.HealthzBindAddress);
        Assert.Equal(IPEndPoint.Parse("[::1]:10249"), options.MetricsBindAddress);
        Assert.True(options.BindAddressHardFail);
        Assert.True(options.MasqueradeAll);
        Assert.Equal(TimeSpan.FromMinutes(1), options.SyncPeriod);
        Assert.Equal(TimeSpan.FromMilliseconds(250), options.MinSyncPeriod);
        Assert.Equal("cali", options.PodDetection.On([])!.InterfacePrefix);
        Assert.Equal(["primary", "localhost"], options.NodePorts.Keywords);
        Assert.Equal(7, options.OomScoreAdj);
        Assert.Equal(
            new ConntrackOptions
            {
                MaxPerCore = 1,
                Min = 2,
                TcpEstablishedTimeout = TimeSpan.FromSeconds(3),
                TcpCloseWaitTimeout = TimeSpan.FromSeconds(4),
                TcpBeLiberal = true,
                UdpTimeout = TimeSpan.FromSeconds(5),
                UdpStreamTimeout = TimeSpan.FromSeconds(6),
            },
            options.Conntrack);
        Assert.Equal("198.51.100.0/24", Assert.Single(options.Ipvs.ExcludeCidrs).ToString());
        Assert.Equal(4, options.Verbosity);
        Assert.Equal("/k", options.Kubeconfig);
        var warning = Assert.Single(reading.Warnings);
        foreach (var field in (string[])["featureGates", "clientConnection.qps", "clientConnection.burst", "logging.format", "logging.vmodule", "configSyncPeriod",
            "enableProfiling", "showHiddenMetricsForVersion", "winkernel.networkName", "winkernel.enableDSR", "windowsRunAsService", "portRange", "udpIdleTimeout"])
            Assert.Contains(field, warning, StringComparison.Ordinal);
        Assert.DoesNotContain("conntrack", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("conntrack: {maxPerCore: x}", "conntrack.maxPerCore: \"x\" is not a number")]
    [InlineData("conntrack: {maxPerCore: 1.5}", "conntrack.maxPerCore: 1.5 is not a number")]
    [InlineData("conntrack: {min: 99999999999}", "conntrack.min: 99999999999 is not a number")]
    [InlineData("conntrack: {min: -1}", "conntrack.min: -1 is less than 0")]
    [InlineData("conntrack: {tcpBeLiberal: 1}", "conntrack.tcpBeLiberal: 1 is not true or false")]
    [InlineData("conntrack: {udpTimeout: 3}", "conntrack.udpTimeout: 3 is not a duration such as 30s or 1h30m")]
    [InlineData("conntrack: {udpTimeout: -3s}", "conntrack.udpTimeout: is less than 0")]
    [InlineData("conntrack: []", "conntrack: [] is not a group of fields")]
    [InlineData("mode: kernelspace", "mode: \"kernelspace\" is none of nftables, iptables and ipvs")]
    [InlineData("mode: 5", "mode: 5 is not text")]
    [InlineData("nodePortAddresses: primary", "nodePortAddresses: \"primary\" is not a list of texts")]
    [InlineData("nodePortAddresses: [10.0.0.0/8, Localhost]", "nodePortAddresses[1]: \"Localhost\" is neither a CIDR nor one of primary, localhost and all")]
    [InlineData("clusterCIDR: 10.0.0.0", "clusterCIDR: \"10.0.0.0\" is not a CIDR such as 10.233.64.0/18")]
    [InlineData("clusterCIDR: 10.0.0.0/8,11.0.0.0/8", "clusterCIDR: \"10.0.0.0/8,11.0.0.0/8\" is more than one CIDR of each family")]
    [InlineData("bindAddress: here", "bindAddress: \"here\" is not an IP address")]
    [InlineData("healthzBindAddress: localhost:1", "healthzBindAddress: \"localhost:1\" is not an address and a port such as 0.0.0.0:10256")]
    [InlineData("metricsBindAddress: 1.2.3.4:70000", "metricsBindAddress: \"1.2.3.4:70000\" is not an address and a port such as 0.0.0.0:10249")]
    [InlineData("metricsBindAddress: \"::1:80:\"", "metricsBindAddress: \"::1:80:\" is not an address and a port such as 0.0.0.0:10249")]
    [InlineData("detectLocalMode: Magic", "detectLocalMode: \"Magic\" is none of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix")]
    [InlineData("detectLocalMode: BridgeInterface", "detectLocal.bridgeInterface: detectLocalMode BridgeInterface needs it")]
    [InlineData("detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: sixteen-letters-}", "detectLocal.interfaceNamePrefix: \"sixteen-letters-\" is longer than the 15 bytes an interface's name has at most")]
    [InlineData("oomScoreAdj: -1001", "oomScoreAdj: -1001 is not within -1000..1000")]
    [InlineData("iptables: {masqueradeBit: 32}", "iptables.masqueradeBit: 32 is not within 0..31")]
    [InlineData("iptables: {syncPeriod: 1s, minSyncPeriod: 2s}", "iptables.minSyncPeriod: 2s is more than iptables.syncPeriod, 1s")]
    [InlineData("mode: ipvs\nipvs: {excludeCIDRs: [x]}", "ipvs.excludeCIDRs[0]: \"x\" is not a CIDR")]
    [InlineData("mode: ipvs\nipvs: {tcpTimeout: -1s}", "ipvs.tcpTimeout: is less than 0")]
    [InlineData("featureGates: {A: yes please}", "featureGates: {\"A\":\"yes please\"} is not names with true or false")]
    [InlineData("clientConnection: {qps: fast}", "clientConnection.qps: \"fast\" is not a number")]
    [Contract("proxy §1.11-4")]
    public void NamesTheFieldOfAWrongValue(string text, string error) => Assert.Equal(error, ErrorsOf(FromFile(Header + text)));

    [Theory]
    [InlineData("kind: KubeProxyConfiguration\napiVersion: kubeproxy.config.k8s.io/v1alpha2", "apiVersion: \"kubeproxy.config.k8s.io/v1alpha2\" is not kubeproxy.config.k8s.io/v1alpha1")]
    [InlineData("apiVersion: v1\nkind: ConfigMap", "kind: \"ConfigMap\" is not KubeProxyConfiguration")]
    [InlineData("", "kind: the file holds no KubeProxyConfiguration")]
    [InlineData("- a list", "kind: the file holds no KubeProxyConfiguration")]
    public void RefusesAnotherKindOfFile(string text, string error) => Assert.Equal(error, ErrorsOf(FromFile(text)));

    [Theory]
    [InlineData("a: [")]
    [InlineData("mode: nftables\nmode: nftables")]
    public void NamesTheLineOfWhatIsNotYaml(string text) => Assert.Matches("^configuration: line [0-9]+, column [0-9]+: ", ErrorsOf(FromFile(Header + text)));

    [Fact]
    [Contract("proxy §1.11-4")]
    public void LeavesOutUnknownFieldsWithAWarning()
    {
        var reading = FromFile(Header + "mode: nftables\nipSet: {hashSize: 1}\nipvs: {scheduler: \"\", ipSet: 3}\nconnTrack: 5");
        Valid(reading);
        Assert.Equal("fields that KubeProxyConfiguration does not have are left out: ipSet, ipvs.ipSet, connTrack", Assert.Single(reading.Warnings));
    }

    [Fact]
    public void ReportsAMissingFile() => Assert.StartsWith("--config: ", ErrorsOf(FromFlags("--config", "/nowhere/at/all")));

    [Theory]
    [InlineData("kubeadm.yaml")]
    [InlineData("kubespray.yaml")]
    [InlineData("k3s.yaml")]
    public void WritesWhatItReadsBackAsTheSame(string file)
    {
        var options = Valid(FromFile(TestFile(file)));
        var written = YamlText.Document(options.Configuration.ToJson());
        var again = Valid(FromFile(written));
        Assert.Equal(written, YamlText.Document(again.Configuration.ToJson()));
        Assert.Equal(Described(options), Described(again));
    }

    [Fact]
    public void WritesDefaultsIntoTheFileItWrites()
    {
        var written = YamlText.Document(Valid(FromFlags("--conntrack-min=7")).Configuration.ToJson());
        Assert.StartsWith(Header, written);
        Assert.Contains("mode: nftables\n", written, StringComparison.Ordinal);
        Assert.Contains("nodePortAddresses:\n- primary\n", written, StringComparison.Ordinal);
        Assert.Contains("healthzBindAddress: \"0.0.0.0:10256\"\n", written, StringComparison.Ordinal);
        Assert.Contains("  tcpEstablishedTimeout: \"24h0m0s\"\n", written, StringComparison.Ordinal);
        Assert.Contains("  min: 7\n", written, StringComparison.Ordinal);
        Assert.Contains("oomScoreAdj: -999\n", written, StringComparison.Ordinal);
    }

    [Fact]
    public void NeverFailsOtherwiseThanWithAnError() => Gen.Select(Gen.Int[0, 2], Gen.Int[0, 4000], Gen.Int[0, 40], Gen.OneOf(Gen.Char["{}[]:,-'\"&*!|>%@ \n\t#0"].Array[0, 6].Select(chars => new string(chars)), Gen.String[0, 6])).Sample((which, at, length, instead) =>
    {
        var text = _files[which];
        at = Math.Min(at, text.Length);
        text = text[..at] + instead + text[Math.Min(text.Length, at + length)..];
        var errors = new List<FieldError>();
        var warnings = new List<string>();
        var values = new ConfigurationReader(errors, warnings).Read(text);
        var options = new OptionsCheck(values, errors, warnings).Options();
        if (errors.Count == 0)
            Assert.NotNull(NodeSettings.Of(options, new NodeFacts { Name = "node1", PodCIDRs = [IpPrefix.Containing(IpAddress.Parse("10.0.0.0"), 8)] }, null));
        Assert.All(errors, error => Assert.NotEmpty(error.Path));
    });

    private static string Described(ProxyOptions options) => string.Join(
        '\n',
        options.Mode, options.HostnameOverride, options.Kubeconfig, options.BindAddress, options.HealthzBindAddress, options.MetricsBindAddress, options.BindAddressHardFail,
        options.MasqueradeAll, options.OomScoreAdj, options.MinSyncPeriod, options.SyncPeriod, options.Verbosity, options.Conntrack,
        NodeSettings.Of(options, null, IpAddress.Parse("192.0.2.7")) is { } settings ? $"{string.Join(' ', settings.NodePorts.Prefixes)} {settings.NodePorts.LoopbackIPv4} {string.Join(' ', settings.Pods.Cidrs)}" : "");
}
