using Portolan.Lab.Supervision;

namespace Portolan.Lab.Tests.Supervision;

public sealed class BackoffTests
{
    [Fact]
    public void DoublesToFiveSeconds_AndForgivesAfterASteadyWhile()
    {
        var backoff = new Backoff();
        Assert.Equal([100, 200, 400, 800, 1600, 3200, 5000, 5000], Enumerable.Range(0, 8).Select(_ => (int)backoff.After(TimeSpan.FromSeconds(1)).TotalMilliseconds));
        Assert.Equal(100, (int)backoff.After(TimeSpan.FromSeconds(11)).TotalMilliseconds);
    }
}
