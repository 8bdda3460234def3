using Portolan.Speaker;

namespace Portolan.Tests.Speaker;

public sealed class UrgentNewsTests
{
    private readonly UrgentNews _news = new();
    private readonly List<string> _heard = [];

    [Fact]
    public void OfASubjectTheLatestCounts_InTheOrderOfTheFirst()
    {
        Put("a", "a1");
        Put("b", "b1");
        Put("a", "a2");
        TakeAll();
        Put("a", "a3");
        TakeAll();
        Assert.Equal(["a2", "b1", "a3"], _heard);
        Assert.False(_news.TryTake(out _));
    }

    [Fact]
    public void NobodyIsTurnedAway_HoweverLongNobodyListens()
    {
        for (var i = 0; i < 100_000; i++)
            Put((Node: "node", Part: i % 8), $"{i}");
        TakeAll();
        Assert.Equal(Enumerable.Range(99_992, 8).Select(i => $"{i}"), _heard);
    }

    [Fact]
    public void ManyMayPutAtATime()
    {
        var seen = new int[4];
        var done = 0;
        var threads = Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            for (var i = 1; i <= 10_000; i++)
            {
                var value = i;
                _news.Put(number, () =>
                {
                    Assert.True(value > seen[number]);
                    seen[number] = value;
                });
            }

            Interlocked.Increment(ref done);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        while (Volatile.Read(ref done) < 4)
            TakeAll();
        TakeAll();
        threads.ForEach(thread => thread.Join());
        Assert.All(seen, last => Assert.Equal(10_000, last));
    }

    private void Put(object subject, string what) => _news.Put(subject, () => _heard.Add(what));

    private void TakeAll()
    {
        while (_news.TryTake(out var news))
            news();
    }
}
