using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Portolan.Bgp;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>Our BGP, on a thread inside a namespace.</summary>
internal sealed class BgpSide : IDisposable
{
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private readonly Lines _log = new();
    private readonly BgpSupervisor _supervisor;
    private readonly List<NeighborStatus> _history = [];
    private IReadOnlyList<NeighborStatus> _shown = [];
    private Exception? _failure;

    /// <param name="where">The namespace.</param>
    /// <param name="port">Where neighbours connect.</param>
    /// <param name="onAnother">Called when there is another loop, in place of one that failed.</param>
    public BgpSide(NetworkNamespace where, ushort port = BgpLoop.DefaultPort, Action<BgpSide>? onAnother = null)
    {
        _supervisor = new BgpSupervisor(
            () => new BgpLoop(port, Show, TimeProvider.System, _log),
            () =>
            {
                if (Failures > 0 && _supervisor!.Loop is not null)
                    onAnother?.Invoke(this);
            },
            _log);
        _thread = new Thread(() =>
        {
            try
            {
                where.Inside(() =>
                {
                    _supervisor.Run();
                    return 0;
                });
            }
            catch (Exception failure)
            {
                _failure = failure;
            }
        });
        _thread.Start();
        Patience.Until(() => _supervisor.Loop is not null, () => $"there is no loop: {_failure}");
    }

    /// <summary>The loop; in place of one that failed there is another, sooner or later.</summary>
    public BgpLoop Loop => _supervisor.Loop ?? throw new InvalidOperationException("there is no loop now");

    /// <summary>How often a loop has failed.</summary>
    public long Failures => _supervisor.Failures;

    /// <summary>Log lines that cannot be written: whoever writes one fails.</summary>
    public string? Unloggable
    {
        set => _log.Unwritable = value;
    }

    /// <summary>Whether showing the neighbours fails, which the loop does by itself.</summary>
    public bool CannotShow { get; set; }

    /// <summary>Shown the neighbours too, on the loop's thread.</summary>
    public Action<IReadOnlyList<NeighborStatus>>? OnShown { get; set; }

    /// <summary>What it logged.</summary>
    public string Log => string.Join('\n', _log.Written);

    /// <summary>The neighbours as they were shown last.</summary>
    public IReadOnlyList<NeighborStatus> Shown
    {
        get
        {
            lock (_gate)
                return _shown;
        }
    }

    /// <summary>All that was ever shown of a neighbour.</summary>
    public IReadOnlyList<NeighborStatus> History(string name)
    {
        lock (_gate)
            return [.. _history.Where(status => status.Name == name)];
    }

    /// <summary>The neighbours from now on, all told the table "t".</summary>
    public void Speak(params NeighborSettings[] neighbors)
    {
        Loop.SetNeighbors([.. neighbors.Select(neighbor => (neighbor, "t"))]);
        Loop.AreReady();
    }

    /// <summary>Announces a prefix in the table "t"; without attributes: withdraws it.</summary>
    public void Announce(string prefix, PathAttributes? attributes, string table = "t") => Loop.Change(table, [(Prefix(prefix), attributes)]);

    /// <summary>Waits until a neighbour is as wanted.</summary>
    public NeighborStatus Await(string name, Func<NeighborStatus, bool> wanted)
    {
        NeighborStatus? found = null;
        Patience.Until(() => (found = Now().FirstOrDefault(status => status.Name == name && wanted(status))) is not null, () => $"{name} never came to that: {Describe()}");
        return found!;
    }

    /// <summary>Waits until the session is established and everything is sent.</summary>
    public NeighborStatus AwaitUp(string name = "them") => Await(name, status => status is { State: SessionState.Established, IsSynchronized: true });

    /// <summary>Waits for an end that says so, and was not before that.</summary>
    public NeighborStatus AwaitEnd(string text, string name = "them", DateTimeOffset since = default) =>
        Await(name, status => status.LastEnd?.ToString().Contains(text, StringComparison.Ordinal) is true && status.LastEndAt >= since);

    /// <summary>Ends the loop and waits for that.</summary>
    public void Stop(BgpError? farewell)
    {
        _supervisor.Stop(_ => farewell);
        Assert.True(_thread.Join(TimeSpan.FromSeconds(60)), $"it does not end: {Describe()}");
        Assert.Null(_failure);
    }

    public void Dispose()
    {
        _supervisor.Stop(_ => null);
        _thread.Join();
        _supervisor.Dispose();
        Assert.True(_failure is null, $"{_failure}");
    }

    public static BgpPrefix Prefix(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var address = Portolan.Core.Addresses.IpAddress.Parse(text[..slash]);
        return new BgpPrefix(address.IsIPv4 ? BgpFamily.IPv4Unicast : BgpFamily.IPv6Unicast, address.Value, int.Parse(text[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    // Asks for what is so now: counters alone are no news.
    private IReadOnlyList<NeighborStatus> Now()
    {
        Assert.True(_thread.IsAlive, $"the loop is dead: {_failure}");
        _supervisor.Loop?.Look();
        lock (_gate)
            return _shown;
    }

    private string Describe() => $"{string.Join('\n', Shown)}\n{Log}";

    private void Show(IReadOnlyList<NeighborStatus> shown)
    {
        if (CannotShow)
            throw new InvalidOperationException("it cannot be shown");
        lock (_gate)
        {
            _shown = shown;
            _history.AddRange(shown);
        }

        OnShown?.Invoke(shown);
    }

    private sealed class Lines : ILogger
    {
        public ConcurrentQueue<string> Written { get; } = new();

        public string? Unwritable { get; set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = formatter(state, exception);
            if (Unwritable is { } unwritable && line.Contains(unwritable, StringComparison.Ordinal))
                throw new IOException($"unwritable: {line}");
            Written.Enqueue($"{logLevel}: {line}{(exception is null ? "" : $"\n{exception}")}");
        }
    }
}
