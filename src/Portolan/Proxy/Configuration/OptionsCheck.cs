using System.Net;
using System.Text;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Core.Cluster;
using Fields = Portolan.Proxy.Configuration.ConfigurationFields;

namespace Portolan.Proxy.Configuration;

/// <summary>From the fields' values to what the proxy goes by, under the rules that kube-proxy has for them.</summary>
/// <param name="values">The fields' values. Defaults that depend on other fields are put in.</param>
/// <param name="errors">Gets the values that break a rule.</param>
/// <param name="warnings">Gets what is done differently than the file may expect.</param>
internal sealed class OptionsCheck(ConfigurationValues values, List<FieldError> errors, List<string> warnings)
{
    private const int LongestInterfaceName = 15; // IFNAMSIZ without the zero at the end
    private static readonly TimeSpan _defaultSyncPeriod = TimeSpan.FromSeconds(30);

    /// <summary>The options. Of use only where no error was added.</summary>
    internal ProxyOptions Options()
    {
        var mode = Mode();
        var (syncPeriod, minSyncPeriod) = SyncPeriods(mode);
        var bindAddress = BindAddress();
        CheckWhatIsUnused(mode);
        if (values.WithoutEffect.ToList() is { Count: > 0 } unused)
            warnings.Add("accepted without effect: " + string.Join(", ", unused.Select(field => field.Path)));
        return new ProxyOptions
        {
            Mode = mode,
            HostnameOverride = values.Get(Fields.HostnameOverride).Trim() is { Length: > 0 } name ? name.ToLowerInvariant() : null,
            Kubeconfig = values.Get(Fields.Kubeconfig) is { Length: > 0 } kubeconfig ? kubeconfig : null,
            BindAddress = bindAddress is { Value: var value } && value != 0 ? bindAddress : null,
            HealthzBindAddress = Served(Fields.HealthzBindAddress, ServedAddress.HealthzPort, bindAddress is { IsIPv4: false } ? IPAddress.IPv6Any : IPAddress.Any),
            MetricsBindAddress = Served(Fields.MetricsBindAddress, ServedAddress.MetricsPort, bindAddress is { IsIPv4: false } ? IPAddress.IPv6Loopback : IPAddress.Loopback),
            BindAddressHardFail = values.Get(Fields.BindAddressHardFail),
            MasqueradeBit = values.Get(mode is ProxyMode.Nftables ? Fields.NftablesMasqueradeBit : Fields.IptablesMasqueradeBit),
            MasqueradeAll = values.Get(mode is ProxyMode.Nftables ? Fields.NftablesMasqueradeAll : Fields.IptablesMasqueradeAll),
            NodePorts = NodePorts(mode),
            PodDetection = PodDetection(),
            Conntrack = Conntrack(),
            Ipvs = Ipvs(mode),
            OomScoreAdj = Number(Fields.OomScoreAdj, -1000, 1000),
            SyncPeriod = syncPeriod,
            MinSyncPeriod = minSyncPeriod,
            Verbosity = values.Get(Fields.Verbosity),
            Configuration = values,
        };
    }

    private ProxyMode Mode()
    {
        var mode = values.Get(Fields.Mode);
        switch (mode)
        {
            case "nftables":
                return ProxyMode.Nftables;
            case "" or "iptables":
                warnings.Add($"mode: \"{mode}\" means iptables to kube-proxy; Services are forwarded by nftables, with the addresses of node ports that the iptables mode has");
                values.Set(Fields.Mode, "iptables");
                return ProxyMode.Iptables;
            case "ipvs":
                return ProxyMode.Ipvs;
            default:
                Wrong(Fields.Mode, $"\"{mode}\" is none of nftables, iptables and ipvs");
                return ProxyMode.Nftables;
        }
    }

    private (TimeSpan Sync, TimeSpan MinSync) SyncPeriods(ProxyMode mode)
    {
        var (syncField, minField) = mode switch
        {
            ProxyMode.Ipvs => (Fields.IpvsSyncPeriod, Fields.IpvsMinSyncPeriod),
            ProxyMode.Iptables => (Fields.IptablesSyncPeriod, Fields.IptablesMinSyncPeriod),
            _ => (Fields.NftablesSyncPeriod, Fields.NftablesMinSyncPeriod),
        };
        var sync = NotNegative(syncField) is { Ticks: > 0 } given ? given : _defaultSyncPeriod;
        values.Set(syncField, sync);
        var minSync = NotNegative(minField);
        if (minSync > sync)
            Wrong(minField, $"{minField.Write(minSync)!.GetValue<string>()} is more than {syncField.Path}, {syncField.Write(sync)!.GetValue<string>()}");
        return (sync, minSync);
    }

    private IpAddress? BindAddress()
    {
        var text = values.Get(Fields.BindAddress) is { Length: > 0 } given ? given : (string)Fields.BindAddress.Default!;
        if (IpAddress.TryParse(text, out var address))
            return address;
        Wrong(Fields.BindAddress, $"\"{text}\" is not an IP address");
        return null;
    }

    private IPEndPoint? Served(ConfigurationField<string> field, ushort port, IPAddress otherwise)
    {
        var text = values.Get(field);
        if (text.Length == 0)
            text = new IPEndPoint(otherwise, port).ToString();
        if (ServedAddress.TryParse(text, port, out var address))
        {
            values.Set(field, address?.ToString() ?? text);
            return address;
        }

        Wrong(field, $"\"{text}\" is not an address and a port such as 0.0.0.0:{port}");
        return null;
    }

    private NodePortSelection NodePorts(ProxyMode mode)
    {
        var entries = values.Get(Fields.NodePortAddresses);
        if (entries.Count == 0 && mode is ProxyMode.Nftables)
        {
            values.Set(Fields.NodePortAddresses, NodePortSelection.Primary.Keywords);
            return NodePortSelection.Primary;
        }

        var localhost = values.Get(Fields.LocalhostNodePorts);
        return NodePortSelection.Parse(entries, (at, text) => errors.Add(new FieldError($"{Fields.NodePortAddresses.Path}[{at}]", "", $"\"{text}\" is neither a CIDR nor one of primary, localhost and all"))) with
        {
            LoopbackIsIncluded = mode is ProxyMode.Iptables,
            LoopbackIPv4IsForbidden = mode is ProxyMode.Iptables && !localhost,
        };
    }

    private PodDetection PodDetection()
    {
        var written = values.Get(Fields.DetectLocalMode);
        var cidrs = ClusterCidrs();
        switch (written)
        {
            case "" or nameof(LocalMode.ClusterCIDR):
                values.Set(Fields.DetectLocalMode, nameof(LocalMode.ClusterCIDR));
                return new PodDetection(LocalMode.ClusterCIDR, cidrs, "");
            case nameof(LocalMode.NodeCIDR):
                return new PodDetection(LocalMode.NodeCIDR, [], "");
            case nameof(LocalMode.BridgeInterface):
                return new PodDetection(LocalMode.BridgeInterface, [], Interface(Fields.BridgeInterface));
            case nameof(LocalMode.InterfaceNamePrefix):
                return new PodDetection(LocalMode.InterfaceNamePrefix, [], Interface(Fields.InterfaceNamePrefix));
            default:
                Wrong(Fields.DetectLocalMode, $"\"{written}\" is none of {string.Join(", ", Enum.GetNames<LocalMode>())}");
                return Configuration.PodDetection.None;
        }
    }

    private List<IpPrefix> ClusterCidrs()
    {
        var cidrs = new List<IpPrefix>();
        foreach (var text in values.Get(Fields.ClusterCidr).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IpPrefix.TryParse(text, out var prefix))
                cidrs.Add(prefix);
            else
                Wrong(Fields.ClusterCidr, $"\"{text}\" is not a CIDR such as 10.233.64.0/18");
        }

        if (cidrs.Count > 2 || (cidrs.Count == 2 && cidrs[0].Address.Family == cidrs[1].Address.Family))
            Wrong(Fields.ClusterCidr, $"\"{values.Get(Fields.ClusterCidr)}\" is more than one CIDR of each family");
        return cidrs;
    }

    private string Interface(ConfigurationField<string> field)
    {
        var name = values.Get(field);
        if (name.Length == 0)
            Wrong(field, $"{Fields.DetectLocalMode.Path} {values.Get(Fields.DetectLocalMode)} needs it");
        else if (Encoding.UTF8.GetByteCount(name) > LongestInterfaceName)
            Wrong(field, $"\"{name}\" is longer than the {LongestInterfaceName} bytes an interface's name has at most");
        return name;
    }

    private ConntrackOptions Conntrack() => new()
    {
        MaxPerCore = Number(Fields.MaxPerCore, 0, int.MaxValue),
        Min = Number(Fields.Min, 0, int.MaxValue),
        TcpEstablishedTimeout = NotNegative(Fields.TcpEstablished),
        TcpCloseWaitTimeout = NotNegative(Fields.TcpCloseWait),
        TcpBeLiberal = values.Get(Fields.TcpBeLiberal),
        UdpTimeout = NotNegative(Fields.UdpTimeout),
        UdpStreamTimeout = NotNegative(Fields.UdpStreamTimeout),
    };

    // A file that kube-proxy would not start with is refused here too: what is wrong with it should be found out before going back.
    private void CheckWhatIsUnused(ProxyMode mode)
    {
        Number(mode is ProxyMode.Nftables ? Fields.NftablesMasqueradeBit : Fields.IptablesMasqueradeBit, 0, 31);
        Number(Fields.Burst, 0, int.MaxValue);
        NotNegative(Fields.ConfigSyncPeriod);
    }

    private IpvsOptions Ipvs(ProxyMode mode)
    {
        var scheduler = values.Get(Fields.IpvsScheduler) is { Length: > 0 } name ? name : IpvsOptions.DefaultScheduler;
        if (mode is ProxyMode.Ipvs && !IpvsRequest.Schedulers.Contains(scheduler))
            Wrong(Fields.IpvsScheduler, $"\"{scheduler}\" is none of {string.Join(", ", IpvsRequest.Schedulers)}");
        return new IpvsOptions
        {
            Scheduler = scheduler,
            ExcludeCidrs = Prefixes(Fields.IpvsExcludeCidrs),
            StrictArp = values.Get(Fields.IpvsStrictArp),
            TcpTimeout = NotNegative(Fields.IpvsTcpTimeout),
            TcpFinTimeout = NotNegative(Fields.IpvsTcpFinTimeout),
            UdpTimeout = NotNegative(Fields.IpvsUdpTimeout),
        };
    }

    private List<IpPrefix> Prefixes(ConfigurationField<IReadOnlyList<string>> field)
    {
        var prefixes = new List<IpPrefix>();
        foreach (var (at, text) in values.Get(field).Index())
        {
            if (IpPrefix.TryParse(text, out var prefix))
                prefixes.Add(prefix);
            else
                errors.Add(new FieldError($"{field.Path}[{at}]", "", $"\"{text}\" is not a CIDR"));
        }

        return prefixes;
    }

    private int Number(ConfigurationField<int> field, int least, int most)
    {
        var number = values.Get(field);
        if (number < least || number > most)
            Wrong(field, most == int.MaxValue ? $"{number} is less than {least}" : $"{number} is not within {least}..{most}");
        return number;
    }

    private TimeSpan NotNegative(ConfigurationField<TimeSpan> field)
    {
        var duration = values.Get(field);
        if (duration < TimeSpan.Zero)
            Wrong(field, "is less than 0");
        return duration;
    }

    private void Wrong(ConfigurationField field, string rule) => errors.Add(new FieldError(field.Path, "", rule));
}
