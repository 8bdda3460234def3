using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bfd;

public sealed class SessionLoopTests
{
    private static readonly IpAddress _a = IpAddress.Parse("127.0.0.1");
    private static readonly IpAddress _b = IpAddress.Parse("127.0.0.2");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AllocatesNothing_OnceItsSessionsAreUp(bool signed)
    {
        NetworkNamespace.SkipUnlessRoot();
        using var lan = new NetworkNamespace("bfd");
        var (allocated, packets) = lan.Inside(() =>
        {
            using var pair = new Pair(signed ? new BfdKey(1, "secret"u8) : null);
            pair.RunUntil(() => pair.First.Figures.Received > 300);
            var (first, from) = (pair.First.Figures.Received, 0L);
            Func<bool> done = () => pair.First.Figures.Received > from + 2000;
            return (Allocations.Of(() =>
            {
                from = pair.First.Figures.Received;
                pair.RunUntil(done);
            }), pair.First.Figures.Received - first);
        });
        Assert.Equal(0, allocated);
        Assert.True(packets > 2000);
    }

    [Fact]
    public void AgreesToNothingFasterThanItsFloor()
    {
        NetworkNamespace.SkipUnlessRoot();
        using var lan = new NetworkNamespace("bfd");
        var agreed = lan.Inside(() =>
        {
            using var pair = new Pair(null, floor: 40_000);
            pair.RunUntil(() => pair.First.Figures.Received > 20);
            var start = DeadlineWait.Now;
            pair.RunUntil(() => DeadlineWait.Now > start + 1_000_000);
            return pair.Second.Figures.Sent; // both keep to the slower one
        });
        Assert.InRange(agreed, 20, 90);
    }

    [Fact]
    public void CountsHowLateItIsWoken()
    {
        var figures = new LoopFigures();
        foreach (var late in new[] { 0, 50, 51, 999, 1000, 250_000, 250_001 })
            figures.WokenLate(late);
        Assert.Equal([2, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 1], figures.Counts.ToArray());
        Assert.Equal(502_101, figures.Lateness);
    }

    /// <summary>Two loops on one thread, which takes turns.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly DeadlineWait _firstWait = new();
        private readonly DeadlineWait _secondWait = new();

        public Pair(BfdKey? key, uint floor = 0)
        {
            First = new SessionLoop(_firstWait, _ => { }, _ => { }, NullLogger.Instance) { Floor = floor };
            Second = new SessionLoop(_secondWait, _ => { }, _ => { }, NullLogger.Instance);
            First.Want(new SessionWish(new(_a, _b), BfdSettings.Every(1, 255), key));
            Second.Want(new SessionWish(new(_b, _a), BfdSettings.Every(1, 255), key));
        }

        public SessionLoop First { get; }

        public SessionLoop Second { get; }

        public void RunUntil(Func<bool> done)
        {
            while (!done())
            {
                First.Turn(DeadlineWait.Now + 500);
                Second.Turn(DeadlineWait.Now + 500);
            }
        }

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
            _firstWait.Dispose();
            _secondWait.Dispose();
        }
    }
}
