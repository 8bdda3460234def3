using System.Net.Sockets;

namespace Portolan.Linux.Xtables;

/// <summary>The layouts of the two families (linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h), as a 64-bit kernel has them.</summary>
internal sealed record XtLayout(
    AddressFamily Family,
    int OptionLevel,
    string NamesFile,
    int EntrySize,
    int TargetOffset,
    int NextOffset,
    int Counters)
{
    /// <summary>struct ipt_entry: 84 bytes of struct ipt_ip, then what both families have.</summary>
    internal static readonly XtLayout IPv4 = new(AddressFamily.InterNetwork, 0, "ip_tables_names", 112, 88, 90, 96);

    /// <summary>struct ip6t_entry: 136 bytes of struct ip6t_ip6.</summary>
    internal static readonly XtLayout IPv6 = new(AddressFamily.InterNetworkV6, 41, "ip6_tables_names", 168, 140, 142, 152);

    internal static XtLayout Of(AddressFamily family) => family is AddressFamily.InterNetworkV6 ? IPv6 : IPv4;
}

/// <summary>Sizes and offsets that are the same for both families (linux/netfilter/x_tables.h, ip_tables.h).</summary>
internal static class Xt
{
    internal const int Hooks = 5, NameSize = 32, CounterSize = 16;

    // struct ipt_getinfo
    internal const int InfoSize = 84, InfoValidHooks = 32, InfoHookEntries = 36, InfoUnderflows = 56, InfoCount = 76, InfoLength = 80;

    // struct ipt_get_entries, struct xt_counters_info
    internal const int EntriesHeader = 40, CountersHeader = 40;

    // struct ipt_replace
    internal const int ReplaceHeader = 96, ReplaceValidHooks = 32, ReplaceCount = 36, ReplaceLength = 40, ReplaceHookEntries = 44, ReplaceUnderflows = 64, ReplaceCounterCount = 84, ReplaceCounters = 88;

    // struct xt_entry_target: its size, a name of 29 bytes, a revision; what follows is the target's own.
    internal const int TargetHeader = 32, TargetName = 2, TargetNameSize = 29, ErrorNameSize = 30;

    internal const int GetInfo = 64, GetEntries = 65, SetReplace = 64, AddCounters = 65;

    internal static readonly string[] HookNames = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
}
