using System.Net;
using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>Everything the proxy was told, from a configuration file or by flags, checked and with kube-proxy's defaults.</summary>
internal sealed record ProxyOptions
{
    /// <summary><c>mode</c>.</summary>
    internal ProxyMode Mode { get; init; }

    /// <summary><c>hostnameOverride</c> in lower case, or null.</summary>
    internal string? HostnameOverride { get; init; }

    /// <summary><c>clientConnection.kubeconfig</c>, or null.</summary>
    internal string? Kubeconfig { get; init; }

    /// <summary><c>--master</c>, or null.</summary>
    internal string? Master { get; init; }

    /// <summary><c>bindAddress</c>: the node's primary address, whatever its Node says; null where the Node is believed.</summary>
    internal IpAddress? BindAddress { get; init; }

    /// <summary><c>healthzBindAddress</c>; null: nowhere.</summary>
    internal IPEndPoint? HealthzBindAddress { get; init; } = new(IPAddress.Any, ServedAddress.HealthzPort);

    /// <summary><c>metricsBindAddress</c>; null: nowhere.</summary>
    internal IPEndPoint? MetricsBindAddress { get; init; } = new(IPAddress.Loopback, ServedAddress.MetricsPort);

    /// <summary><c>bindAddressHardFail</c>: an address of these two that cannot be bound ends the process.</summary>
    internal bool BindAddressHardFail { get; init; }

    /// <summary>The bit of the packet mark that says whose source address is replaced (0..31).</summary>
    internal int MasqueradeBit { get; init; } = 14;

    /// <summary><c>--account</c>: count packets and bytes of each real server. kube-proxy has nothing like it.</summary>
    internal bool Account { get; init; }

    /// <summary><c>masqueradeAll</c> of the mode.</summary>
    internal bool MasqueradeAll { get; init; }

    /// <summary><c>nodePortAddresses</c>, with what the mode means by it.</summary>
    internal NodePortSelection NodePorts { get; init; } = NodePortSelection.Primary;

    /// <summary><c>detectLocalMode</c> and what belongs to it.</summary>
    internal PodDetection PodDetection { get; init; } = PodDetection.None;

    /// <summary><c>conntrack</c>.</summary>
    internal ConntrackOptions Conntrack { get; init; } = new();

    /// <summary><c>--conntrack-delete-tcp</c>: TCP connections to endpoints that do not exist any more are ended.</summary>
    internal bool EndsTcpFlows { get; init; }

    /// <summary><c>ipvs</c>.</summary>
    internal IpvsOptions Ipvs { get; init; } = new();

    /// <summary><c>oomScoreAdj</c>, -1000..1000.</summary>
    internal int OomScoreAdj { get; init; } = -999;

    /// <summary><c>minSyncPeriod</c> of the mode: the least time from one change of the rules to the next. 0: each at once.</summary>
    internal TimeSpan MinSyncPeriod { get; init; }

    /// <summary><c>syncPeriod</c> of the mode: the longest pause before what the kernel refused is tried again, and before single elements that others changed are put right.</summary>
    internal TimeSpan SyncPeriod { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>--programmed-socket</c>: where other processes of the node learn which Services are programmed; empty: nowhere.</summary>
    internal string ProgrammedSocket { get; init; } = "";

    /// <summary><c>logging.verbosity</c>.</summary>
    internal int Verbosity { get; init; }

    /// <summary>The same as kube-proxy has it, defaults included.</summary>
    internal ConfigurationValues Configuration { get; init; } = new();
}
