using Portolan.Kubernetes.Leases;

namespace Portolan.Kubernetes.Tests.Leases;

public sealed class WriteFenceTests
{
    private readonly Clock _clock = new();

    [Fact]
    public async Task LetsNothingOut_BeforeItIsOpened_AfterItsMoment_AndOnceClosed()
    {
        var fence = new WriteFence(_clock);
        await Assert.ThrowsAsync<NotLeadingException>(() => WriteAsync(fence));
        fence.OpenUntil(_clock.GetTimestamp() + _clock.TimestampFrequency);
        await WriteAsync(fence);
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        await WriteAsync(fence);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await Assert.ThrowsAsync<NotLeadingException>(() => WriteAsync(fence));
        fence.OpenUntil(_clock.GetTimestamp() + _clock.TimestampFrequency);
        await WriteAsync(fence);
        fence.Close();
        await Assert.ThrowsAsync<NotLeadingException>(() => WriteAsync(fence));
    }

    [Fact]
    public async Task GivesAWriteNoMoreTimeThanIsLeft()
    {
        var fence = new WriteFence(_clock);
        fence.OpenUntil(_clock.GetTimestamp() + _clock.TimestampFrequency);
        CancellationToken limit = default;
        var answer = new TaskCompletionSource<int>();
        var write = fence.WriteAsync(token =>
        {
            limit = token;
            return answer.Task;
        });
        Assert.Equal(TimeSpan.FromSeconds(1), _clock.LastTimer);
        Assert.False(limit.IsCancellationRequested);
        answer.SetResult(1);
        await write;
    }

    [Fact]
    public async Task DrainsWhenTheLastWriteIsAnswered()
    {
        var fence = new WriteFence(_clock);
        fence.OpenUntil(_clock.GetTimestamp() + (10 * _clock.TimestampFrequency));
        var (one, two) = (new TaskCompletionSource<int>(), new TaskCompletionSource<int>());
        var writes = Task.WhenAll(fence.WriteAsync(_ => one.Task), fence.WriteAsync(_ => two.Task));
        fence.Close();
        var drained = fence.DrainAsync(TestContext.Current.CancellationToken);
        one.SetResult(1);
        Assert.False(drained.IsCompleted);
        two.SetResult(2);
        await drained;
        await writes;
        Assert.True(fence.DrainAsync(TestContext.Current.CancellationToken).IsCompleted);
    }

    private static Task<int> WriteAsync(WriteFence fence) => fence.WriteAsync(_ => Task.FromResult(1));

    private sealed class Clock : TimeProvider
    {
        private long _now = 1_000_000;

        public TimeSpan LastTimer { get; private set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += (long)time.TotalMilliseconds;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            LastTimer = dueTime;
            return System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
