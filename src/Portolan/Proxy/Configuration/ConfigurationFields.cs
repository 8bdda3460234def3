using System.Text.Json.Nodes;
using static Portolan.Proxy.Configuration.FieldForms;

namespace Portolan.Proxy.Configuration;

/// <summary>
/// Every field of <c>KubeProxyConfiguration</c> (kubeproxy.config.k8s.io/v1alpha1, as of Kubernetes 1.37 and back to the fields that 1.20's
/// files have), with its flag and kube-proxy's default.
/// </summary>
internal static class ConfigurationFields
{
    private const string OnlyWindows = "of Windows";
    private const string OnlyKlog = "the log is lines of JSON on standard output";
    private const string OnlyClientGo = "of Go's client";
    private const string LongGone = "kube-proxy itself no longer reads it";

    internal static readonly ConfigurationField<string> Kubeconfig = new("clientConnection.kubeconfig", Text, "", "--kubeconfig") { Means = "Path of a kubeconfig; without it KUBECONFIG, then the pod's service account, then ~/.kube/config." };
    internal static readonly ConfigurationField<int> Verbosity = new("logging.verbosity", Number, 0, "--v") { Means = "4 and more is --log-level debug, 6 and more all." };

    internal static readonly ConfigurationField<string> HostnameOverride = new("hostnameOverride", Text, "", "--hostname-override") { Means = "Name of this Node; without it NODE_NAME, then the host's name." };
    internal static readonly ConfigurationField<string> BindAddress = new("bindAddress", Text, "0.0.0.0", "--bind-address") { Means = "The node's primary address, whatever its Node says." };
    internal static readonly ConfigurationField<string> HealthzBindAddress = new("healthzBindAddress", Text, "", "--healthz-bind-address") { Means = "Where /healthz and /livez are served; port 0 or empty for nowhere. Default 0.0.0.0:10256." };
    internal static readonly ConfigurationField<string> MetricsBindAddress = new("metricsBindAddress", Text, "", "--metrics-bind-address") { Means = "Where /metrics is served; port 0 or empty for nowhere. Default 127.0.0.1:10249." };
    internal static readonly ConfigurationField<bool> BindAddressHardFail = new("bindAddressHardFail", FieldForms.Boolean, false, "--bind-address-hard-fail") { Means = "Exit where one of these two addresses cannot be bound." };

    internal static readonly ConfigurationField<string> Mode = new("mode", Text, "", "--proxy-mode") { Means = "nftables, iptables or ipvs. ipvs forwards by IPVS; the other two by nftables, and differ in where node ports answer by default." };
    internal static readonly ConfigurationField<bool> IptablesMasqueradeAll = new("iptables.masqueradeAll", FieldForms.Boolean, false, "--masquerade-all") { Means = "Masquerade all traffic sent to ClusterIPs." };
    internal static readonly ConfigurationField<bool> LocalhostNodePorts = new("iptables.localhostNodePorts", FieldForms.Boolean, true, "--iptables-localhost-nodeports") { Means = "In iptables mode, whether node ports answer at 127.0.0.1. Default true." };
    internal static readonly ConfigurationField<TimeSpan> IptablesSyncPeriod = new("iptables.syncPeriod", Duration, TimeSpan.Zero, "--iptables-sync-period") { Means = "Longest pause before what the kernel refused is tried again. Default 30s." };
    internal static readonly ConfigurationField<TimeSpan> IptablesMinSyncPeriod = new("iptables.minSyncPeriod", Duration, TimeSpan.Zero, "--iptables-min-sync-period") { Means = "Least time from one change of the rules to the next. Default 0s." };
    internal static readonly ConfigurationField<TimeSpan> IpvsSyncPeriod = new("ipvs.syncPeriod", Duration, TimeSpan.Zero, "--ipvs-sync-period") { Means = "As --iptables-sync-period, in ipvs mode." };
    internal static readonly ConfigurationField<TimeSpan> IpvsMinSyncPeriod = new("ipvs.minSyncPeriod", Duration, TimeSpan.Zero, "--ipvs-min-sync-period") { Means = "As --iptables-min-sync-period, in ipvs mode." };
    internal static readonly ConfigurationField<IReadOnlyList<string>> IpvsExcludeCidrs = new("ipvs.excludeCIDRs", List, [], "--ipvs-exclude-cidrs") { Means = "Virtual servers of IPVS in these ranges are somebody else's: left alone, wanted or not." };
    internal static readonly ConfigurationField<bool> NftablesMasqueradeAll = new("nftables.masqueradeAll", FieldForms.Boolean, false);
    internal static readonly ConfigurationField<TimeSpan> NftablesSyncPeriod = new("nftables.syncPeriod", Duration, TimeSpan.Zero);
    internal static readonly ConfigurationField<TimeSpan> NftablesMinSyncPeriod = new("nftables.minSyncPeriod", Duration, TimeSpan.Zero);

    internal static readonly ConfigurationField<string> DetectLocalMode = new("detectLocalMode", Text, "", "--detect-local-mode") { Means = "How pods are told from others: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix. Default ClusterCIDR." };
    internal static readonly ConfigurationField<string> BridgeInterface = new("detectLocal.bridgeInterface", Text, "", "--pod-bridge-interface") { Means = "The pods' bridge, with --detect-local-mode=BridgeInterface." };
    internal static readonly ConfigurationField<string> InterfaceNamePrefix = new("detectLocal.interfaceNamePrefix", Text, "", "--pod-interface-name-prefix") { Means = "How names of the pods' interfaces begin, with --detect-local-mode=InterfaceNamePrefix." };
    internal static readonly ConfigurationField<string> ClusterCidr = new("clusterCIDR", Text, "", "--cluster-cidr") { Means = "CIDR of the pods, one of each family: traffic to ClusterIPs from elsewhere is masqueraded." };
    internal static readonly ConfigurationField<IReadOnlyList<string>> NodePortAddresses = new("nodePortAddresses", List, [], "--nodeport-addresses") { Means = "Where node ports answer: CIDRs, primary, localhost, all. Default primary; in the other modes all." };

    internal static readonly ConfigurationField<int> OomScoreAdj = new("oomScoreAdj", Number, -999, "--oom-score-adj") { Means = "How soon the kernel ends this process when memory runs out, -1000..1000. Default -999." };
    internal static readonly ConfigurationField<int> MaxPerCore = new("conntrack.maxPerCore", Number, 32_768, "--conntrack-max-per-core") { Means = "Connections to track for each processor, 0 to leave the kernel's limit. Default 32768." };
    internal static readonly ConfigurationField<int> Min = new("conntrack.min", Number, 131_072, "--conntrack-min") { Means = "Connections to track at least. Default 131072." };
    internal static readonly ConfigurationField<TimeSpan> TcpEstablished = new("conntrack.tcpEstablishedTimeout", Duration, TimeSpan.FromHours(24), "--conntrack-tcp-timeout-established") { Means = "How long idle TCP connections are tracked, 0 to leave what the kernel has. Default 24h." };
    internal static readonly ConfigurationField<TimeSpan> TcpCloseWait = new("conntrack.tcpCloseWaitTimeout", Duration, TimeSpan.FromHours(1), "--conntrack-tcp-timeout-close-wait") { Means = "How long half-closed TCP connections are tracked, 0 to leave what the kernel has. Default 1h." };
    internal static readonly ConfigurationField<bool> TcpBeLiberal = new("conntrack.tcpBeLiberal", FieldForms.Boolean, false, "--conntrack-tcp-be-liberal") { Means = "Do not take TCP packets outside the window for invalid." };
    internal static readonly ConfigurationField<TimeSpan> UdpTimeout = new("conntrack.udpTimeout", Duration, TimeSpan.Zero, "--conntrack-udp-timeout") { Means = "How long UDP flows without an answer are tracked. Default what the kernel has." };
    internal static readonly ConfigurationField<TimeSpan> UdpStreamTimeout = new("conntrack.udpStreamTimeout", Duration, TimeSpan.Zero, "--conntrack-udp-timeout-stream") { Means = "How long answered UDP flows are tracked. Default what the kernel has." };

    internal static readonly ConfigurationField<int> IptablesMasqueradeBit = new("iptables.masqueradeBit", Number, 14, "--iptables-masquerade-bit") { Means = "Bit of the packet mark that says whose source address is replaced, 0 to 31; the next one is used too." };
    internal static readonly ConfigurationField<int> NftablesMasqueradeBit = new("nftables.masqueradeBit", Number, 14);
    internal static readonly ConfigurationField<int> Burst = new("clientConnection.burst", Number, 10, "--kube-api-burst", OnlyClientGo);
    internal static readonly ConfigurationField<TimeSpan> ConfigSyncPeriod = new("configSyncPeriod", Duration, TimeSpan.FromMinutes(15), "--config-sync-period", "the watches miss nothing that would have to be told again");
    internal static readonly ConfigurationField<string> IpvsScheduler = new("ipvs.scheduler", Text, "", "--ipvs-scheduler") { Means = "How IPVS chooses a real server for Services that do not say: rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, mh, fo or ovf. Default rr." };
    internal static readonly ConfigurationField<bool> IpvsStrictArp = new("ipvs.strictARP", FieldForms.Boolean, false, "--ipvs-strict-arp") { Means = "Answer ARP only for the addresses of the interface that is asked (arp_ignore 1, arp_announce 2), not for those of Services." };
    internal static readonly ConfigurationField<TimeSpan> IpvsTcpTimeout = new("ipvs.tcpTimeout", Duration, TimeSpan.Zero, "--ipvs-tcp-timeout") { Means = "How long IPVS remembers an established TCP connection; 0: as the kernel does, 15 min." };
    internal static readonly ConfigurationField<TimeSpan> IpvsTcpFinTimeout = new("ipvs.tcpFinTimeout", Duration, TimeSpan.Zero, "--ipvs-tcpfin-timeout") { Means = "How long IPVS remembers a TCP connection that has ended; 0: as the kernel does, 2 min." };
    internal static readonly ConfigurationField<TimeSpan> IpvsUdpTimeout = new("ipvs.udpTimeout", Duration, TimeSpan.Zero, "--ipvs-udp-timeout") { Means = "How long IPVS remembers a UDP flow; 0: as the kernel does, 5 min." };

    /// <summary>All of them, in the order a written file has.</summary>
    internal static readonly IReadOnlyList<ConfigurationField> All =
    [
        new ConfigurationField<IReadOnlyDictionary<string, bool>>("featureGates", Gates, new Dictionary<string, bool>(), "--feature-gates", "what the gates of kube-proxy guard is either there or not"),
        Kubeconfig,
        new ConfigurationField<string>("clientConnection.acceptContentTypes", Text, "", unused: OnlyClientGo),
        new ConfigurationField<string>("clientConnection.contentType", Text, "application/vnd.kubernetes.protobuf", "--kube-api-content-type", OnlyClientGo),
        new ConfigurationField<double>("clientConnection.qps", Real, 5, "--kube-api-qps", OnlyClientGo),
        Burst,
        new ConfigurationField<string>("logging.format", Text, "text", "--logging-format", OnlyKlog),
        Unread("logging.flushFrequency", "5s", "--log-flush-frequency", OnlyKlog),
        Verbosity,
        Unread("logging.vmodule", null, "--vmodule", OnlyKlog),
        new ConfigurationField<bool>("logging.options.json.splitStream", FieldForms.Boolean, false, "--log-json-split-stream", OnlyKlog),
        Unread("logging.options.json.infoBufferSize", "0", "--log-json-info-buffer-size", OnlyKlog),
        new ConfigurationField<bool>("logging.options.text.splitStream", FieldForms.Boolean, false, "--log-text-split-stream", OnlyKlog),
        Unread("logging.options.text.infoBufferSize", "0", "--log-text-info-buffer-size", OnlyKlog),
        HostnameOverride, BindAddress, HealthzBindAddress, MetricsBindAddress, BindAddressHardFail,
        new ConfigurationField<bool>("enableProfiling", FieldForms.Boolean, false, "--profiling", "profiles are a matter of Go's runtime"),
        new ConfigurationField<string>("showHiddenMetricsForVersion", Text, "", "--show-hidden-metrics-for-version", "no metric is hidden"),
        Mode,
        IptablesMasqueradeBit, IptablesMasqueradeAll, LocalhostNodePorts, IptablesSyncPeriod, IptablesMinSyncPeriod,
        IpvsSyncPeriod, IpvsMinSyncPeriod,
        IpvsScheduler, IpvsExcludeCidrs, IpvsStrictArp,
        IpvsTcpTimeout, IpvsTcpFinTimeout, IpvsUdpTimeout,
        NftablesMasqueradeBit, NftablesMasqueradeAll, NftablesSyncPeriod, NftablesMinSyncPeriod,
        new ConfigurationField<string>("winkernel.networkName", Text, "", unused: OnlyWindows),
        new ConfigurationField<string>("winkernel.sourceVip", Text, "", unused: OnlyWindows),
        new ConfigurationField<bool>("winkernel.enableDSR", FieldForms.Boolean, false, unused: OnlyWindows),
        new ConfigurationField<string>("winkernel.rootHnsEndpointName", Text, "", unused: OnlyWindows),
        new ConfigurationField<bool>("winkernel.forwardHealthCheckVip", FieldForms.Boolean, false, unused: OnlyWindows),
        DetectLocalMode, BridgeInterface, InterfaceNamePrefix, ClusterCidr, NodePortAddresses, OomScoreAdj,
        MaxPerCore, Min, TcpEstablished, TcpCloseWait, TcpBeLiberal, UdpTimeout, UdpStreamTimeout,
        ConfigSyncPeriod,
        new ConfigurationField<string>("portRange", Text, "", unused: LongGone),
        new ConfigurationField<bool>("windowsRunAsService", FieldForms.Boolean, false, unused: OnlyWindows),
        new ConfigurationField<string>("resourceContainer", Text, "", unused: LongGone),
        new ConfigurationField<TimeSpan>("udpIdleTimeout", Duration, TimeSpan.Zero, unused: LongGone),
    ];

    /// <summary>The fields that the flags of the iptables mode set in nftables mode: kube-proxy has no flags of nftables' own.</summary>
    internal static readonly IReadOnlyDictionary<ConfigurationField, ConfigurationField> InNftablesMode = new Dictionary<ConfigurationField, ConfigurationField>
    {
        [IptablesMasqueradeBit] = NftablesMasqueradeBit,
        [IptablesMasqueradeAll] = NftablesMasqueradeAll,
        [IptablesSyncPeriod] = NftablesSyncPeriod,
        [IptablesMinSyncPeriod] = NftablesMinSyncPeriod,
    };

    private static ConfigurationField<JsonNode?> Unread(string path, string? @default, string flag, string unused) =>
        new(path, FieldForms.Unread, @default is null ? null : JsonValue.Create(@default), flag, unused);
}
