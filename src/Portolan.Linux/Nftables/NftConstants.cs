namespace Portolan.Linux.Nftables;

/// <summary>The table families this project uses (linux/netfilter.h).</summary>
public enum NftFamily : byte
{
    /// <summary>IPv4 (NFPROTO_IPV4).</summary>
    Ip = 2,

    /// <summary>IPv6 (NFPROTO_IPV6).</summary>
    Ip6 = 10,
}

/// <summary>Where in a packet's way a base chain sits (linux/netfilter.h, enum nf_inet_hooks).</summary>
public enum NftHook : uint
{
    /// <summary>Before routing.</summary>
    Prerouting = 0,

    /// <summary>For this host.</summary>
    Input = 1,

    /// <summary>Through this host.</summary>
    Forward = 2,

    /// <summary>From this host.</summary>
    Output = 3,

    /// <summary>After routing.</summary>
    Postrouting = 4,
}

/// <summary>What a rule or a verdict map decides (linux/netfilter/nf_tables.h, enum nft_verdicts).</summary>
public enum NftVerdictCode
{
    /// <summary>The packet is gone.</summary>
    Drop = 0,

    /// <summary>This hook's chain is done with the packet.</summary>
    Accept = 1,

    /// <summary>On to another chain, and back after it.</summary>
    Jump = -3,

    /// <summary>On to another chain, without coming back here.</summary>
    Goto = -4,

    /// <summary>Back to where the last jump came from.</summary>
    Return = -5,
}

/// <summary>A verdict, as a verdict map stores it.</summary>
/// <param name="Code">What happens.</param>
/// <param name="Chain">Where jump and goto lead; otherwise null.</param>
public readonly record struct NftVerdict(NftVerdictCode Code, string? Chain = null)
{
    /// <summary>As <c>nft</c> writes it.</summary>
    public override string ToString() => Chain is null ? Code.ToString().ToLowerInvariant() : $"{Code.ToString().ToLowerInvariant()} {Chain}";
}

/// <summary>Properties of a set (enum nft_set_flags).</summary>
[Flags]
public enum NftSetFlags : uint
{
    /// <summary>A plain set of values.</summary>
    None = 0,

    /// <summary>Elements are ranges.</summary>
    Interval = 0x04,

    /// <summary>Elements carry data: the set is a map.</summary>
    Map = 0x08,

    /// <summary>Elements can expire.</summary>
    Timeout = 0x10,

    /// <summary>Rules add elements, too.</summary>
    Eval = 0x20,

    /// <summary>Keys are concatenations of which each field may be a range.</summary>
    Concat = 0x80,
}

/// <summary>Types as <c>nft</c> numbers them for display (libnftables); the kernel only stores the number.</summary>
public static class NftTypes
{
    /// <summary>ipv4_addr.</summary>
    public const uint IPv4Address = 7;

    /// <summary>ipv6_addr.</summary>
    public const uint IPv6Address = 8;

    /// <summary>inet_proto.</summary>
    public const uint InetProtocol = 12;

    /// <summary>inet_service.</summary>
    public const uint InetService = 13;

    /// <summary>mark: a 32-bit number in the machine's order.</summary>
    public const uint Mark = 19;

    /// <summary>verdict (NFT_DATA_VERDICT).</summary>
    public const uint Verdict = 0xffffff00;

    /// <summary>The length of a key or data of this type in bytes, each field padded to 4.</summary>
    public static uint Length(uint type)
    {
        uint length = 0;
        for (; type != 0; type >>= 6)
            length += FieldLength(type & 63);
        return length;
    }

    internal static uint FieldLength(uint field) => field == IPv6Address ? 16u : 4u;

    /// <summary>Several fields one after the other, each padded to 4 bytes.</summary>
    public static uint Concat(params ReadOnlySpan<uint> types)
    {
        uint all = 0;
        foreach (var type in types)
            all = (all << 6) | type;
        return all;
    }
}

/// <summary>Message and attribute numbers (linux/netfilter/nfnetlink.h, nf_tables.h).</summary>
internal static class Nft
{
    internal const int HeaderSize = 4; // struct nfgenmsg
    internal const int Subsystem = 10; // NFNL_SUBSYS_NFTABLES
    internal const int NotificationGroup = 7; // NFNLGRP_NFTABLES
    internal const ushort BatchBegin = 0x10, BatchEnd = 0x11, BatchGeneration = 1;

    internal const ushort NewTable = 0xa00, GetTable = 0xa01, DelTable = 0xa02;
    internal const ushort NewChain = 0xa03, GetChain = 0xa04, DelChain = 0xa05;
    internal const ushort NewRule = 0xa06, GetRule = 0xa07, DelRule = 0xa08;
    internal const ushort NewSet = 0xa09, GetSet = 0xa0a, DelSet = 0xa0b;
    internal const ushort NewSetElement = 0xa0c, GetSetElement = 0xa0d, DelSetElement = 0xa0e;
    internal const ushort NewGeneration = 0xa0f, GetGeneration = 0xa10;

    internal const ushort ListElement = 1;
    internal const ushort GenerationId = 1;
    internal const ushort TableName = 1, TableFlags = 2, TableUserData = 6;
    internal const ushort ChainTable = 1, ChainName = 3, ChainHook = 4, ChainPolicy = 5, ChainType = 7;
    internal const ushort HookNumber = 1, HookPriority = 2;
    internal const ushort RuleTable = 1, RuleChain = 2, RuleHandle = 3, RuleExpressions = 4, RuleUserData = 7;
    internal const ushort ExpressionName = 1, ExpressionData = 2, ImmediateData = 2;
    internal const ushort SetTable = 1, SetName = 2, SetFlags = 3, SetKeyType = 4, SetKeyLength = 5, SetDataType = 6, SetDataLength = 7, SetDescription = 9, SetId = 10, SetUserData = 13, SetExpression = 17, SetCount = 20;
    internal const ushort DescriptionSize = 1, DescriptionConcat = 2, FieldLength = 1;
    internal const ushort ElementsTable = 1, ElementsSet = 2, Elements = 3;
    internal const ushort ElementKey = 1, ElementData = 2, ElementFlags = 3, ElementTimeout = 4, ElementExpression = 7, ElementKeyEnd = 10;
    internal const ushort CounterBytes = 1, CounterPackets = 2;
    internal const ushort DataValue = 1, DataVerdict = 2;
    internal const ushort VerdictCode = 1, VerdictChain = 2;
    internal const uint ElementIntervalEnd = 1;
}
