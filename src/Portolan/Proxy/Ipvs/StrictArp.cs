using System.Globalization;
using Portolan.Linux.Links;

namespace Portolan.Proxy.Ipvs;

/// <summary>
/// Where IPVS forwards, every node has the address of every Service, and its kernel answers ARP for all of them on every interface, whoever it is that announces
/// them, unless it is told to be strict (<c>arp_ignore</c> 1 and <c>arp_announce</c> 2, ip-sysctl). The greater of an interface's value and that of <c>all</c> counts.
/// </summary>
internal static class StrictArp
{
    private const string All = "all";
    private const string Root = "/proc/sys/net/ipv4/conf";
    private const int Ignore = 1;
    private const int Announce = 2;

    /// <summary>What to do about it.</summary>
    internal const string Remedy = "set ipvs.strictARP of the proxy's configuration to true, or net.ipv4.conf.all.arp_ignore to 1 and net.ipv4.conf.all.arp_announce to 2";

    /// <summary>The interfaces on which this node answers ARP for addresses that another node announces.</summary>
    /// <param name="links">The node's links.</param>
    /// <param name="read">A setting: of which interface, which; null where there is none.</param>
    /// <returns>None where no link holds the addresses of Services, or ARP is strict.</returns>
    internal static IReadOnlyList<string> LooseInterfaces(LinkSnapshot links, Func<string, string, int?>? read = null)
    {
        read ??= Read;
        if (links.Find(ServiceLink.Name) is null)
            return [];
        return
        [
            .. links.Links.Values
                .Where(link => link.Name != ServiceLink.Name && link.Flags.HasFlag(LinkFlags.Up) && !link.Flags.HasFlag(LinkFlags.Loopback) && !link.Flags.HasFlag(LinkFlags.NoArp))
                .Where(link => Value(link.Name, "arp_ignore") < Ignore || Value(link.Name, "arp_announce") < Announce)
                .Select(link => link.Name).Order(StringComparer.Ordinal),
        ];

        int Value(string name, string setting) => Math.Max(read(All, setting) ?? 0, read(name, setting) ?? 0);
    }

    private static int? Read(string name, string setting)
    {
        try
        {
            return int.Parse(File.ReadAllText(Path.Combine(Root, name, setting)), NumberStyles.Integer, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // an interface that has gone meanwhile
        }
    }
}
