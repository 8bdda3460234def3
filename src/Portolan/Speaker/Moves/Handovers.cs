using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Linux.Netlink;

namespace Portolan.Speaker.Moves;

/// <summary>
/// Makes the kernel agree with <see cref="PlannedMoves"/>. Where the kernel refuses, this is said once, and addresses move as they would without:
/// connections through the former holder break then. One caller at a time; times are microseconds.
/// </summary>
/// <param name="self">The node this speaker runs on.</param>
/// <param name="open">Opens the table of a family.</param>
/// <param name="log">Told of what is handed over, and of refusals.</param>
internal sealed class Handovers(string self, Func<IpFamily, HandoverTable> open, ILogger log) : IDisposable
{
    private readonly PlannedMoves _moves = new(self);
    private readonly Dictionary<IpFamily, HandoverTable> _tables = [];
    private readonly List<Handover> _added = [];
    private IReadOnlyList<IpPrefix> _onLink = [];
    private string? _refusal;
    private long? _sweepAt;

    /// <summary>When <see cref="Advance"/> has something to do, or null.</summary>
    public long? Deadline => _moves.Deadline is { } ends && _sweepAt is { } sweep ? Math.Min(ends, sweep) : _moves.Deadline ?? _sweepAt;

    /// <summary>What is handed over.</summary>
    public IReadOnlyCollection<Handover> All => _moves.All;

    /// <summary>A former life of this speaker may have left a table, and what is in it is still of use: it goes when it must be empty.</summary>
    public void Start(long now) => _sweepAt = now + (long)PlannedMoves.Longest.TotalMicroseconds;

    /// <summary>The interfaces and addresses of this node: another node must be reached without a router.</summary>
    public void SetLinks(LinkSnapshot links) =>
        _onLink = [.. links.Addresses.Select(address => IpPrefix.Containing(IpAddress.From(address.Address), address.PrefixLength)).Distinct()];

    /// <summary>Some Services have new plans. Called before the addresses are announced: who comes then finds what leads on.</summary>
    /// <param name="changed">The Services.</param>
    /// <param name="plans">Every plan.</param>
    /// <param name="nodes">What is known of nodes.</param>
    /// <param name="isStarting">This node has only now begun to announce.</param>
    /// <param name="now">The present.</param>
    public void On(IReadOnlyList<ObjectKey> changed, IReadOnlyDictionary<ObjectKey, AnnouncementPlan> plans, ForwardingNodes nodes, bool isStarting, long now)
    {
        _added.Clear();
        var formerHolder = Remembering(nodes);
        foreach (var service in changed)
            _moves.On(service, plans.GetValueOrDefault(service), isStarting, formerHolder, now, _added);
        foreach (var family in _added.GroupBy(move => move.Address.Family))
            Try(family.Key, table => table.Add([.. family], Of(family.Key), now));
        foreach (var node in _added.GroupBy(move => move.Node))
            log.LogInformation("{Count} addresses were at {Node}: what it knows of their connections is left to it for at most {Seconds} s", node.Count(), node.Key, PlannedMoves.Longest.TotalSeconds);
    }

    /// <summary>Lets time pass, and takes what may have become of other nodes.</summary>
    public void Advance(ForwardingNodes nodes, long now)
    {
        if (_moves.All.Count > 0 && _moves.Keep(Remembering(nodes)))
            foreach (var family in Enum.GetValues<IpFamily>())
                Try(family, table => table.Set(Of(family), now));
        if ((Deadline ?? long.MaxValue) > now)
            return;
        _moves.Expire(now);
        if (_sweepAt <= now)
            _sweepAt = null;
        // Elements have gone by themselves; the table goes with the last of them, unless it is another life's that is not over yet.
        foreach (var family in Enum.GetValues<IpFamily>())
            if (_sweepAt is null && Of(family).Count == 0)
                Try(family, table => table.Delete());
    }

    public void Dispose()
    {
        // What the kernel holds stays: the connections are not over because this process is.
        foreach (var table in _tables.Values)
            table.Dispose();
    }

    private List<Handover> Of(IpFamily family) => [.. _moves.All.Where(move => move.Address.Family == family)];

    private void Try(IpFamily family, Action<HandoverTable> change)
    {
        try
        {
            if (!_tables.TryGetValue(family, out var table))
                _tables[family] = table = open(family);
            change(table);
            _refusal = null;
        }
        catch (NetlinkException refusal)
        {
            if (refusal.Message != _refusal)
                log.LogWarning(
                    "connections break when an address moves here from another node: {Refusal}{Advice}",
                    refusal.Message, refusal.Errno == Errors.NotPermitted ? ". The speaker needs NET_ADMIN for this, or --planned-moves=false." : "");
            _refusal = refusal.Message;
        }
    }

    // Thousands of addresses come from a handful of nodes.
    private FormerHolder Remembering(ForwardingNodes nodes)
    {
        var known = new Dictionary<(string, IpFamily), IpAddress?>();
        return (node, family) =>
        {
            if (!known.TryGetValue((node, family), out var holder))
                known[(node, family)] = holder = nodes.FormerHolder(node, family, _onLink);
            return holder;
        };
    }
}
