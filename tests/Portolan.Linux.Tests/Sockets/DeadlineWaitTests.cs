using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Sockets;

namespace Portolan.Linux.Tests.Sockets;

public sealed class DeadlineWaitTests
{
    [Fact]
    public void WakesAWaitingThread()
    {
        using var wait = new DeadlineWait();
        var woken = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            wait.Until(long.MaxValue);
            woken.Set();
        });
        thread.Start();
        wait.Wake();
        Assert.True(woken.Wait(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        thread.Join();
        wait.Until(DeadlineWait.Now); // the counter is read: the next wait is not woken by it, but ends by its own time
    }

    [Fact]
    public void EndsAtItsTime_NotBefore()
    {
        using var wait = new DeadlineWait();
        for (var i = 0; i < 20; i++)
        {
            var deadline = DeadlineWait.Now + 1500;
            wait.Until(deadline);
            Assert.True(DeadlineWait.Now >= deadline);
            wait.Until(deadline); // has passed, still
        }

        wait.Until(0);
        wait.Until(long.MinValue);
    }

    [Fact]
    public void IsWokenByItsSockets_WhileTheyAreItsOwn()
    {
        using var wait = new DeadlineWait();
        using var heard = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        heard.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        wait.Add(heard);
        sender.SendTo([1], heard.LocalEndPoint!);
        wait.Until(long.MaxValue);
        wait.Remove(heard);
        var deadline = DeadlineWait.Now + 1000;
        wait.Until(deadline); // what waits in the socket is no news any more
        Assert.True(DeadlineWait.Now >= deadline);
    }

    [Fact]
    public void AllocatesNothing()
    {
        using var wait = new DeadlineWait();
        using var heard = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        heard.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        wait.Add(heard);
        wait.Until(DeadlineWait.Now + 10);
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (var i = 0; i < 100; i++)
                wait.Until(DeadlineWait.Now + 10);
        }));
    }
}
