using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bfd;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bfd;

/// <summary>A session loop on a thread inside a namespace.</summary>
internal sealed class LoopSide : IDisposable
{
    private readonly BlockingCollection<BfdTransition<SessionName>> _transitions = [];
    private readonly ConcurrentQueue<Action<SessionLoop>> _orders = new();
    private readonly DeadlineWait _wait = new();
    private readonly Thread _thread;
    private readonly bool _outlivesSpeaker;
    private volatile bool _stop;

    public LoopSide(NetworkNamespace where, bool outlivesSpeaker = true)
    {
        _outlivesSpeaker = outlivesSpeaker;
        _thread = new Thread(() => where.Inside(Run));
        _thread.Start();
    }

    /// <summary>Has the loop do something, on its thread.</summary>
    public void Order(Action<SessionLoop> order)
    {
        _orders.Enqueue(order);
        _wait.Wake();
    }

    /// <summary>Waits for a change of state.</summary>
    /// <exception cref="OperationCanceledException">It has not come in time.</exception>
    public BfdTransition<SessionName> Await(Func<BfdTransition<SessionName>, bool> wanted, TimeSpan? patience = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(patience ?? TimeSpan.FromSeconds(60));
        while (true)
            if (_transitions.Take(limit.Token) is var transition && transition.From != transition.State && wanted(transition))
                return transition;
    }

    /// <summary>Asks the loop until it says yes.</summary>
    public void Eventually(Func<SessionLoop, bool> condition)
    {
        for (var end = DateTime.UtcNow.AddSeconds(60); DateTime.UtcNow < end; Thread.Sleep(50))
        {
            using var answered = new ManualResetEventSlim();
            var yes = false;
            Order(loop =>
            {
                yes = condition(loop);
                answered.Set();
            });
            answered.Wait(TestContext.Current.CancellationToken);
            if (yes)
                return;
        }

        Assert.Fail("it never came to that");
    }

    public void Dispose()
    {
        _stop = true;
        _wait.Wake();
        _thread.Join();
        _wait.Dispose();
    }

    private int Run()
    {
        using var loop = new SessionLoop(_wait, _transitions.Add, _ => { }, NullLogger.Instance) { OutlivesSpeaker = _outlivesSpeaker };
        while (!_stop)
        {
            while (_orders.TryDequeue(out var order))
                order(loop);
            loop.Turn();
        }

        return 0;
    }
}
