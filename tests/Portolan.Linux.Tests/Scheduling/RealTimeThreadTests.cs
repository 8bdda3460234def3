using Portolan.Linux.Scheduling;

namespace Portolan.Linux.Tests.Scheduling;

public sealed class RealTimeThreadTests
{
    [Fact]
    public void MakesOneThreadARealTimeOne_OrSaysWhyNot()
    {
        var (errno, policy, other) = (-1, "", "");
        var thread = new Thread(() =>
        {
            errno = RealTimeThread.TryEnter(10);
            policy = Policy();
            var child = new Thread(() => other = Policy());
            child.Start();
            child.Join();
        });
        thread.Start();
        thread.Join();
        Assert.Contains(errno, new[] { 0, 1 });
        Assert.Equal(errno == 0 ? "1" : "0", policy);
        Assert.Equal("0", other); // what it starts is ordinary
    }

    // Field 41 of /proc/PID/stat (proc(5)): policy. The name in parentheses may have spaces.
    private static string Policy() => File.ReadAllText("/proc/thread-self/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[38];
}
