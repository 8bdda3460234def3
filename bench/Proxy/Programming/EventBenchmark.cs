using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Bench.Proxy.Programming;

/// <summary>One EndpointSlice event to the commit of what it changes, at few and at many Services in turn: an endpoint leaves and comes back.</summary>
internal static class EventBenchmark
{
    private const int Endpoints = 3;
    private const int Events = 4_000;
    private const int WarmUp = 500;
    private static readonly Fleet Few = new(1_000, Endpoints), Many = new(30_000, Endpoints);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        var isNoisy = await Neighbours.AreNoisyAsync();
        using var few = new Rounds(Few);
        using var many = new Rounds(Many);
        for (var i = 0; i < WarmUp + Events; i++)
        {
            few.Next(i >= WarmUp);
            many.Next(i >= WarmUp);
        }

        yield return new Figure($"proxy-event {Few.Services:n0} Services, p50", few.Times.At(0.5), "ms", 0.5) { IsNoisy = isNoisy };
        yield return new Figure($"proxy-event {Few.Services:n0} Services, p99", few.Times.At(0.99), "ms", 2) { IsNoisy = isNoisy };
        yield return new Figure($"proxy-event {Many.Services:n0} Services, p50", many.Times.At(0.5), "ms", 0.5) { IsNoisy = isNoisy };
        yield return new Figure($"proxy-event {Many.Services:n0} Services, p99", many.Times.At(0.99), "ms", 2) { IsNoisy = isNoisy };
        yield return new Figure($"proxy-event {Many.Services:n0} beside {Few.Services:n0}, p50", many.Times.At(0.5), "ms", Peer: few.Times.At(0.5)) { RatioGoal = 1.2, IsNoisy = isNoisy };
        yield return new Figure("proxy-event allocated for an event, the same", many.Allocated, "B", Peer: few.Allocated) { RatioGoal = 1.05 };
    }

    private sealed class Rounds : IDisposable
    {
        private readonly NetworkNamespace _node = new("node");
        private readonly Random _random = new(1);
        private readonly Fleet _fleet;
        private readonly ProxyTable _table;
        private int _service;
        private int _absent = -1;
        private long _allocated;
        private int _events;

        public Rounds(Fleet fleet)
        {
            _fleet = fleet;
            _table = new ProxyTable(_node);
            _table.Program([.. fleet.AllServices()], [.. fleet.AllSlices()]);
        }

        public Percentiles Times { get; } = new();

        /// <summary>Bytes an event, on the average.</summary>
        public double Allocated => (double)_allocated / _events;

        public void Next(bool measured)
        {
            if (_absent < 0)
                (_service, _absent) = (_random.Next(_fleet.Services), _random.Next(_fleet.Endpoints));
            else
                _absent = -1;
            var slice = _fleet.Slice(_service, _absent);
            var (allocated, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            var elements = _table.Program(slice);
            var took = Stopwatch.GetElapsedTime(started);
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            if (elements == 0)
                throw new InvalidOperationException("an endpoint came or went, and nothing changed");
            if (!measured)
                return;
            Times.Add(took);
            _allocated += allocated;
            _events++;
        }

        public void Dispose()
        {
            _table.Dispose();
            _node.Dispose();
        }
    }
}
