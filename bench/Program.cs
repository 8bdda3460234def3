using Portolan.Bench;
using Portolan.Bench.ApiScale;
using Portolan.Bench.Bgp;
using Portolan.Bench.Controller;
using Portolan.Bench.LabCost;
using Portolan.Bench.Layer2;
using Portolan.Bench.Proxy;
using Portolan.Bench.Proxy.Packets;
using Portolan.Bench.Proxy.Programming;

// Each benchmark prints its figures as they are known.
var benchmarks = new Dictionary<string, (string What, Func<IAsyncEnumerable<Figure>> RunAsync)>(StringComparer.Ordinal)
{
    ["api-scale"] = ("the API server with 10,000 Services of 3 endpoints", () => AtOnce(ApiScaleBenchmark.RunAsync)),
    ["bfd-cpu"] = ("64 BFD sessions at 50 ms, beside BIRD's", BfdCpuBenchmark.RunAsync),
    ["bfd-detect"] = ("how soon the death of a BFD peer is known, by us and by BIRD", BfdDetectBenchmark.RunAsync),
    ["bgp-churn"] = ("one Service more among 10,000, until the UPDATE is at the peer", ChurnBenchmark.RunAsync),
    ["bgp-flood"] = ("100,000 routes to 8 BGP peers, beside others", FloodBenchmark.RunAsync),
    ["bgp-startup"] = ("from a start to an established BGP session, beside others", StartupBenchmark.RunAsync),
    ["controller-bulk"] = ("10,000 Services made at once under a running controller", () => AtOnce(BulkBenchmark.RunAsync)),
    ["controller-cold"] = ("the controller started while Services wait", () => AtOnce(ColdBenchmark.RunAsync)),
    ["controller-memory"] = ("its memory after a minute", () => AtOnce(MemoryBenchmark.RunAsync)),
    ["controller-one"] = ("from a Service's creation to its address, one at a time", () => AtOnce(OneBenchmark.RunAsync)),
    ["controller-start"] = ("from the controller's start until it is ready", () => AtOnce(StartBenchmark.RunAsync)),
    ["lab-idle"] = ("what a lab of three nodes costs while nothing happens", () => AtOnce(LabIdleBenchmark.RunAsync)),
    ["lab-up"] = ("how long a lab of three nodes takes to come up", () => AtOnce(LabUpBenchmark.RunAsync)),
    ["layer2-create"] = ("from a Service's creation to the first ARP answer", CreateBenchmark.RunAsync),
    ["layer2-memory"] = ("a speaker with 5,000 addresses: start, writes, memory", AnnouncedBenchmark.RunAsync),
    ["layer2-simulation"] = ("the planner alone, 10 to 5,000 nodes and 10 to 50,000 addresses, as a table", PlannerSimulation.RunAsync),
    ["maglev"] = ("maglev tables: time to build, shares, what moves", () => AtOnce(MaglevBenchmark.RunAsync)),
    ["proxy-account"] = ("what --account adds to a forwarded packet", AccountBenchmark.RunAsync),
    ["proxy-cold"] = ("the proxy's first programming of a node", FirstProgrammingBenchmark.RunAsync),
    ["proxy-connections"] = ("the processor time of a TCP connection through the proxy's table", ConnectionsBenchmark.RunAsync),
    ["proxy-event"] = ("the proxy's answer to one event", EventBenchmark.RunAsync),
    ["proxy-memory"] = ("the proxy's memory after a minute", ProxyMemoryBenchmark.RunAsync),
    ["proxy-packets"] = ("the proxy's processor time of a forwarded packet", PacketsBenchmark.RunAsync),
    ["proxy-restart"] = ("a proxy that finds its table", RestartBenchmark.RunAsync),
};

if (args.FirstOrDefault(name => !benchmarks.ContainsKey(name)) is { } unknown)
{
    Console.Error.WriteLine($"no such benchmark: {unknown}\nusage: ./bench.sh [NAME…]");
    foreach (var (known, (what, _)) in benchmarks) Console.Error.WriteLine($"  {known,-18} {what}");
    return 2;
}

Console.WriteLine(Figure.Heading);
var holds = true;
foreach (var name in args.Length == 0 ? [.. benchmarks.Keys] : args.Distinct())
    await foreach (var figure in benchmarks[name].RunAsync())
    {
        Console.WriteLine(figure);
        holds &= figure.Holds;
    }

return holds ? 0 : 1;

static async IAsyncEnumerable<Figure> AtOnce(Func<Task<IReadOnlyList<Figure>>> run)
{
    foreach (var figure in await run())
        yield return figure;
}
