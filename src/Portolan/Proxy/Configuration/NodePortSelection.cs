using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>At which of the node's addresses node ports should answer: <c>nodePortAddresses</c>, and what the mode adds to it.</summary>
internal sealed record NodePortSelection
{
    /// <summary>The addresses of the Node's status.</summary>
    internal const string PrimaryKeyword = "primary";

    /// <summary>127.0.0.1 and ::1.</summary>
    internal const string LocalhostKeyword = "localhost";

    /// <summary>Every address but loopback ones.</summary>
    internal const string AllKeyword = "all";

    private static readonly IpAddress _loopbackIPv4 = IpAddress.Parse("127.0.0.1");
    private static readonly IpPrefix _loopbackRangeIPv4 = IpPrefix.Containing(_loopbackIPv4, 8);
    private static readonly IpPrefix _loopbackRangeIPv6 = IpPrefix.Containing(IpAddress.V6(1), 128);

    /// <summary>What holds in nftables mode where nothing is said.</summary>
    internal static readonly NodePortSelection Primary = new() { Keywords = [PrimaryKeyword] };

    /// <summary>The CIDRs asked for.</summary>
    internal IReadOnlyList<IpPrefix> Prefixes { get; init; } = [];

    /// <summary>The keywords asked for.</summary>
    internal IReadOnlyList<string> Keywords { get; init; } = [];

    /// <summary>An IPv4 selection that includes 127.0.0.1 means it, even where it is the whole family: so it is in iptables mode, unless <c>localhostNodePorts</c> is off.</summary>
    internal bool LoopbackIsIncluded { get; init; }

    /// <summary>Not even a selection that names 127.0.0.1 means it.</summary>
    internal bool LoopbackIPv4IsForbidden { get; init; }

    /// <summary>Reads the entries of the field.</summary>
    /// <param name="entries">CIDRs and keywords.</param>
    /// <param name="report">Gets the place and the text of each entry that is neither.</param>
    internal static NodePortSelection Parse(IReadOnlyList<string> entries, Action<int, string> report)
    {
        var prefixes = new List<IpPrefix>();
        var keywords = new List<string>();
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i] is PrimaryKeyword or LocalhostKeyword or AllKeyword)
                keywords.Add(entries[i]);
            else if (IpPrefix.TryParse(entries[i], out var prefix))
                prefixes.Add(prefix);
            else
                report(i, entries[i]);
        }

        return new NodePortSelection { Prefixes = prefixes, Keywords = keywords };
    }

    /// <summary>What the selection is on a node.</summary>
    /// <param name="primary">The node's primary addresses, at most one of each family.</param>
    internal NodePortReach On(IReadOnlyCollection<IpAddress> primary)
    {
        var (ipv4, ipv6) = (
            !LoopbackIPv4IsForbidden && (Names(_loopbackIPv4, _loopbackRangeIPv4) || (LoopbackIsIncluded && Asked(IpFamily.IPv4).Any(prefix => prefix.Contains(_loopbackIPv4)))),
            Names(_loopbackRangeIPv6.Address, _loopbackRangeIPv6));
        return new NodePortReach
        {
            Prefixes = [.. Of(IpFamily.IPv4, primary), .. Of(IpFamily.IPv6, primary)],
            LoopbackIPv4 = ipv4,
            LoopbackIPv6 = ipv6,
            LoopbackSources = [.. primary.Where(address => address.IsIPv4 ? ipv4 && !_loopbackRangeIPv4.Contains(address) : ipv6 && !_loopbackRangeIPv6.Contains(address))],
        };
    }

    private bool Names(IpAddress loopback, IpPrefix range) =>
        Keywords.Contains(LocalhostKeyword) || Prefixes.Any(prefix => prefix.Contains(loopback) && range.Contains(prefix.Address) && prefix.Length >= range.Length);

    private IEnumerable<IpPrefix> Of(IpFamily family, IReadOnlyCollection<IpAddress> primary)
    {
        var asked = Asked(family);
        if (Keywords.Contains(PrimaryKeyword))
            asked = asked.Concat(primary.Where(address => address.Family == family).Select(address => IpPrefix.Containing(address, address.Bits)));
        return asked.Distinct().SelectMany(NodePortAddresses.ButLoopback);
    }

    // A family that is not spoken of is meant as a whole; every keyword speaks of both.
    private IEnumerable<IpPrefix> Asked(IpFamily family)
    {
        var asked = Prefixes.Where(prefix => prefix.Address.Family == family);
        return Keywords.Contains(AllKeyword) || (Keywords.Count == 0 && !asked.Any()) ? [IpPrefix.Containing(IpAddress.Of(family, 0), 0)] : asked;
    }
}
