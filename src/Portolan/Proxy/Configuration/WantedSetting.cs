namespace Portolan.Proxy.Configuration;

/// <summary>A setting of the node's kernel and what it should be.</summary>
/// <param name="Path">The file it is read and written by.</param>
/// <param name="Value">The value.</param>
/// <param name="IsLeast">A greater value is as good.</param>
internal readonly record struct WantedSetting(string Path, int Value, bool IsLeast)
{
    /// <summary>Connections are tracked without it too, only slower: the kernel takes it in the first network namespace only, and container runtimes mount it read-only.</summary>
    internal bool IsOptional => Path == HashSize;

    /// <summary>Without it packets are not forwarded at all.</summary>
    internal bool IsVital => Path == IpForward;

    private const string IpForward = "/proc/sys/net/ipv4/ip_forward";
    private const string Conntrack = "/proc/sys/net/netfilter/nf_conntrack_";
    private const string HashSize = "/sys/module/nf_conntrack/parameters/hashsize";
    private const string Vs = "/proc/sys/net/ipv4/vs/";
    private const string ArpIgnore = "/proc/sys/net/ipv4/conf/all/arp_ignore";
    private const string ArpAnnounce = "/proc/sys/net/ipv4/conf/all/arp_announce";
    private const int MostConnections = 1_048_576;

    /// <summary>What forwarding by IPVS needs of the kernel, once its module is there.</summary>
    /// <param name="strictArp">ARP is answered only for the addresses of the interface that is asked.</param>
    internal static IEnumerable<WantedSetting> ForIpvs(bool strictArp)
    {
        // Its connections are tracked, or no source address could be replaced and no planned move could tell of them.
        yield return new WantedSetting(Vs + "conntrack", 1, false);

        // Who talks to a real server that is gone, or is to come back to one that gets nothing any more, goes to another.
        yield return new WantedSetting(Vs + "expire_nodest_conn", 1, false);
        yield return new WantedSetting(Vs + "expire_quiescent_template", 1, false);
        foreach (var setting in strictArp ? StrictArp : [])
            yield return setting;
    }

    /// <summary>ARP is answered only for the addresses of the interface that is asked, and asked for with one of its addresses.</summary>
    internal static IReadOnlyList<WantedSetting> StrictArp { get; } = [new(ArpIgnore, 1, true), new(ArpAnnounce, 2, true)];

    /// <summary>The settings that the options ask for, in the order to make them.</summary>
    /// <param name="options">The section <c>conntrack</c>.</param>
    /// <param name="processors">The number of the node's processors.</param>
    internal static IEnumerable<WantedSetting> Of(ConntrackOptions options, int processors)
    {
        yield return new WantedSetting(IpForward, 1, true);
        if (options.MaxPerCore > 0)
        {
            var connections = (int)Math.Min(MostConnections, Math.Max(options.Min, (long)options.MaxPerCore * processors));
            yield return new WantedSetting(Conntrack + "max", connections, true);
            yield return new WantedSetting(HashSize, connections / 4, true);
        }

        if (Seconds(options.TcpEstablishedTimeout) is { } established)
            yield return new WantedSetting(Conntrack + "tcp_timeout_established", established, false);
        if (Seconds(options.TcpCloseWaitTimeout) is { } closeWait)
            yield return new WantedSetting(Conntrack + "tcp_timeout_close_wait", closeWait, false);
        if (options.TcpBeLiberal)
            yield return new WantedSetting(Conntrack + "tcp_be_liberal", 1, false);
        if (Seconds(options.UdpTimeout) is { } udp)
            yield return new WantedSetting(Conntrack + "udp_timeout", udp, false);
        if (Seconds(options.UdpStreamTimeout) is { } stream)
            yield return new WantedSetting(Conntrack + "udp_timeout_stream", stream, false);
    }

    private static int? Seconds(TimeSpan time) => (int)Math.Min(int.MaxValue, time.TotalSeconds) is > 0 and var seconds ? seconds : null;
}
