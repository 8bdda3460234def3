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
    public void FindsAllThatAreReady_HoweverManyThereAre()
    {
        using var wait = new DeadlineWait();
        var sockets = Enumerable.Range(0, 150).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)).ToList();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        foreach (var socket in sockets)
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            wait.Add(socket);
            sender.SendTo([1], socket.LocalEndPoint!);
        }

        // One is read at each wait and the others stay ready: none of them may be passed over.
        var read = new HashSet<Socket>();
        for (var i = 0; i < 10_000 && read.Count < sockets.Count; i++)
        {
            wait.Until(long.MaxValue);
            Assert.True(wait.IsReady(wait.Ready(wait.ReadyCount - 1)));
            var last = wait.Ready(wait.ReadyCount - 1);
            last.Receive(new byte[1]);
            Assert.True(read.Add(last));
        }

        Assert.Equal(sockets.Count, read.Count);
        sockets.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public void WaitsForRoom_OnlyWhileToldTo()
    {
        using var wait = new DeadlineWait();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        wait.Add(socket);
        wait.AwaitWritable(socket, true);
        wait.Until(long.MaxValue);
        Assert.True(wait.IsWritable(socket));
        Assert.False(wait.IsReady(socket));
        wait.AwaitWritable(socket, false);
        var deadline = DeadlineWait.Now + 1000;
        wait.Until(deadline);
        Assert.True(DeadlineWait.Now >= deadline);
        Assert.False(wait.IsWritable(socket));
    }

    [Fact]
    public void TakesNoOldNewsForThoseOfANewSocket()
    {
        using var wait = new DeadlineWait();
        for (var i = 0; i < 20; i++)
        {
            // Has the descriptor of the one before.
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            wait.Add(socket);
            Assert.False(wait.IsReady(socket));
            socket.SendTo([1], socket.LocalEndPoint!);
            wait.Until(long.MaxValue);
            Assert.True(wait.IsReady(socket));
            wait.Remove(socket);
            Assert.Equal((false, 0), (wait.IsReady(socket), wait.ReadyCount));
        }
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
