using System.Globalization;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Bench.Layer2;

/// <param name="Needful">So many addresses were where they could not stay, or came to the node that was added.</param>
/// <param name="Needless">So many moved besides.</param>
internal readonly record struct Moves(double Needful, double Needless)
{
    public override string ToString() => Needless < 0.05 ? Text(Needful) : $"{Text(Needful)} + {Text(Needless)}";

    private static string Text(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}

/// <summary>What one cluster did under one placement; times are processor time.</summary>
internal sealed record SimulatedRow(int Nodes, int Addresses, Placement Placement, int Least, int Most, Moves Dies, Moves Deleted, Moves Added, double? ScratchMilliseconds, double DeathMilliseconds, double DeathBytes, double ServiceMicroseconds, double ServiceBytes)
{
    // A session's packets come 100 ms apart less a random part of up to a quarter (RFC 5880 §6.8.7).
    private const double PacketsPerSession = 1 / (0.100 * 0.875);

    public const string Heading = """
        | nodes | addresses | placement | a node has | share | moved: one dies | is deleted | is added | from scratch | a node dies | of it each | one Service | watched by | packets/s |
        |---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
        """;

    public override string ToString()
    {
        var (degree, _) = PlannerSimulation.Degree(Nodes);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {Nodes} | {Addresses} | {(Placement is Placement.Hash ? "hash" : "bounded")} | {Least}–{Most} | {(double)Addresses / Nodes:0.#} | {Dies} | {Deleted} | {Added} | {ScratchMilliseconds:0.# ms} | {DeathMilliseconds:0.##} ms | {DeathMilliseconds * 1e6 / Addresses:0} ns, {DeathBytes / Addresses:0} B | {ServiceMicroseconds:0.#} µs, {ServiceBytes:0} B | {degree:0.#} | {degree * PacketsPerSession:0} |");
    }
}

/// <summary>A cluster in which every node lives and every Service has an endpoint.</summary>
internal sealed class SimulatedCluster
{
    private readonly int _nodes;
    private readonly int _addresses;
    private readonly AnnouncementIndex _index = new();
    private readonly AnnouncementContext _all;
    private double? _scratchMilliseconds;

    public SimulatedCluster(int nodes, int addresses)
    {
        (_nodes, _addresses) = (nodes, addresses);
        _all = new AnnouncementContext
        {
            Pools = PoolSet.Empty.Update([new AddressPoolSpec { Name = "all", Addresses = ["10.0.0.0/8"] }]),
            Advertisements = [new Layer2Advertisement { Name = "l2" }],
            Nodes = [.. Enumerable.Range(1, nodes).Select(node => new NodeFacts { Name = Name(node) })],
            LivingSpeakers = Enumerable.Range(1, nodes + 1).Select(Name).ToHashSet(),
        };
        for (var i = 0; i < addresses; i++)
        {
            _index.Set(new EndpointSliceFacts { Key = Key(i), Service = Key(i), Endpoints = [new EndpointFacts { Address = IpAddress.V4(0x0ae90000 + (uint)i), NodeName = Name(1) }] });
            _index.Set(Service(i, 0));
        }

        var start = Used;
        _index.Set(_all);
        _scratchMilliseconds = (Used - start).TotalMilliseconds;
    }

    // Others on the machine do not count.
    private static TimeSpan Used => Environment.CpuUsage.TotalTime;

    /// <summary>The name of a node.</summary>
    public static string Name(int node) => $"worker-{node}.example.com";

    /// <summary>Lets nodes die, be deleted and be added under a placement.</summary>
    public SimulatedRow Measure(Placement placement)
    {
        var all = _all with { Policies = [new AnnouncementPolicy { Name = "p", Placement = placement }] };
        _index.Set(all);
        var before = Winners();
        var loads = before.CountBy(node => node).Select(load => load.Value).ToList();
        var rounds = Math.Min(_nodes, 5);
        var (needful, needless, milliseconds, bytes) = (0, 0, new List<double>(), 0L);
        for (var round = 0; round < rounds; round++)
        {
            var gone = Name(1 + (round * _nodes / rounds));
            var without = all with { LivingSpeakers = all.LivingSpeakers.Where(node => node != gone).ToHashSet() };
            bytes -= GC.GetAllocatedBytesForCurrentThread();
            var start = Used;
            _index.Set(without);
            milliseconds.Add((Used - start).TotalMilliseconds);
            bytes += GC.GetAllocatedBytesForCurrentThread();
            Count(before, gone, ref needful, ref needless);
            _index.Set(all);
        }

        milliseconds.Sort();
        var dies = new Moves((double)needful / rounds, (double)needless / rounds);
        (needful, needless) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            var gone = Name(1 + (round * _nodes / rounds));
            _index.Set(all with { Nodes = [.. all.Nodes.Where(node => node.Name != gone)] });
            Count(before, gone, ref needful, ref needless);
            _index.Set(all);
        }

        var deleted = new Moves((double)needful / rounds, (double)needless / rounds);
        var came = Name(_nodes + 1);
        _index.Set(all with { Nodes = [.. all.Nodes, new NodeFacts { Name = came }] });
        var after = Winners();
        var moved = before.Zip(after).Count(pair => pair.First != pair.Second);

        // The new node takes its part; and where the share fell below a whole number, nodes that have more than that plus one must give.
        var bound = placement is Placement.Hash ? _addresses : (_addresses / (_nodes + 1)) + 1;
        var must = Math.Max(after.Count(node => node == came), loads.Sum(load => Math.Max(0, load - bound)));
        _index.Set(all);
        var (microseconds, serviceBytes) = OneService();
        var row = new SimulatedRow(
            _nodes, _addresses, placement, loads.Count < _nodes ? 0 : loads.Min(), loads.Max(), dies, deleted, new Moves(must, moved - must),
            _scratchMilliseconds, milliseconds[rounds / 2], (double)bytes / rounds, microseconds, serviceBytes);
        _scratchMilliseconds = null;
        return row;
    }

    // A Service changes, and nothing follows from it.
    private (double Microseconds, double Bytes) OneService()
    {
        const int Rounds = 2000;
        ServiceFacts[] changed = [.. Enumerable.Range(0, Rounds).Select(round => Service(round * 7919 % _addresses, round))];
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var start = Used;
        foreach (var service in changed)
        {
            _index.Set(service);
            _index.Settle();
        }

        var took = Used - start;
        return (took.TotalMicroseconds / Rounds, (double)(GC.GetAllocatedBytesForCurrentThread() - bytes) / Rounds);
    }

    private void Count(string[] before, string gone, ref int needful, ref int needless)
    {
        foreach (var (was, now) in before.Zip(Winners()))
        {
            if (was == gone)
                needful++;
            else if (was != now)
                needless++;
        }
    }

    private string[] Winners() => [.. Enumerable.Range(0, _addresses).Select(i => _index.Plans[Key(i)].Election.Winner!)];

    private static ObjectKey Key(int service) => new("default", $"web-{service}");

    private static ServiceFacts Service(int service, int version) => new()
    {
        Key = Key(service),
        Type = ServiceType.LoadBalancer,
        ResourceVersion = version.ToString(CultureInfo.InvariantCulture),
        CreatedAt = service,
        Ingress = [new IngressAddress(IpAddress.V4(0x0a000000 + (uint)service), false)],
    };
}
