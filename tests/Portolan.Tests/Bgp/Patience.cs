namespace Portolan.Tests.Bgp;

/// <summary>Waits for what others do, as long as a busy machine may take for it.</summary>
internal static class Patience
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static void Until(Func<bool> condition, Func<string> otherwise)
    {
        for (var end = DateTime.UtcNow + Limit; !condition(); Thread.Sleep(30))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            if (DateTime.UtcNow > end)
                Assert.Fail(otherwise());
        }
    }
}
