using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// Speaks BGP with all neighbours of this node, on a thread of its own: no pool and no timer queue can make a KEEPALIVE late. What others want is left at
/// the door, and done in that order. A turn costs what has happened, and a glance at each neighbour. What fails while a neighbour is served stays with that one
/// (<see cref="Neighborhood"/>); what fails beyond that ends the loop, and another one takes its place (<see cref="BgpSupervisor"/>).
/// </summary>
internal sealed class BgpLoop : IDisposable
{
    /// <summary>The TCP port of BGP (RFC 4271 §8.2.1).</summary>
    public const ushort DefaultPort = 179;

    // What is shown of the neighbours is made anew no more often, unless a session came or went.
    private const long ShowEvery = 200_000;

    // Counters are shown so often even where there is no news.
    private const long ShowAnyway = 10_000_000;

    // Of what strangers do: there may be any number of them.
    private const long WarnEvery = 10_000_000;

    // Connections accepted at a time: however many come, the neighbours that are there are not kept waiting.
    private const int AcceptAtOnce = 32;

    private readonly ConcurrentQueue<Action<long>> _door = new();
    private readonly Neighborhood _neighbors;
    private readonly Dictionary<string, long> _warnedAt = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RouteTable> _tables = new(StringComparer.Ordinal);
    private readonly BgpListeners _listeners;
    private readonly LinkNeighbors _links;
    private readonly Action<IReadOnlyList<NeighborStatus>> _onStatus;
    private readonly TimeProvider _time;
    private bool _areReady;
    private bool _stop;
    private bool _again;
    private bool _isNews;
    private bool _isUrgent;
    private bool _isLeaving;
    private long _shownAt;

    /// <param name="port">The TCP port to be connected to on; 0: none.</param>
    /// <param name="onStatus">Shown all neighbours, on this thread, whenever something about them is news.</param>
    /// <param name="time">For what is shown.</param>
    /// <param name="log">Told of sessions.</param>
    public BgpLoop(ushort port, Action<IReadOnlyList<NeighborStatus>> onStatus, TimeProvider time, ILogger log)
    {
        (_onStatus, _time, Log) = (onStatus, time, log);
        _listeners = new BgpListeners(Wait, port, settings => _neighbors!.PlaceOf(settings.Name), log);
        _links = new LinkNeighbors(Wait, OnFound, log);
        _neighbors = new Neighborhood(this, TableOf, _links.Find);
    }

    /// <summary>What the thread waits with.</summary>
    public DeadlineWait Wait { get; } = new();

    /// <summary>Told of sessions.</summary>
    public ILogger Log { get; }

    /// <summary>For what neighbours send.</summary>
    public byte[] ReadBuffer { get; } = new byte[64 * 1024];

    /// <summary>The neighbours from now on, each with the name of the table that it is told. Any thread.</summary>
    /// <param name="neighbors">All of them.</param>
    /// <param name="tables">Tables that somebody may be told later; any other that no neighbour is told is forgotten.</param>
    public void SetNeighbors(IReadOnlyList<(NeighborSettings Settings, string Table)> neighbors, params IReadOnlyList<string> tables) => Post(now => Apply(neighbors, tables, now));

    /// <summary>Changes of a table: what is announced of a prefix, or null for nothing. Any thread.</summary>
    public void Change(string table, IReadOnlyList<(BgpPrefix Prefix, PathAttributes? Attributes)> changes) => Post(_ =>
    {
        var routes = TableOf(table);
        foreach (var (prefix, attributes) in changes)
            if (attributes is null)
                routes.Withdraw(prefix);
            else
                routes.Set(prefix, _isLeaving ? attributes with { GracefulShutdown = true } : attributes);
        _isNews = true;
    });

    /// <summary>
    /// From now on the tables hold all that is to be announced: until then nobody is sent anything, or a peer that kept the routes of this node's former
    /// life would drop what it is not told again (RFC 4724 §4.2). Any thread.
    /// </summary>
    public void AreReady() => Post(_ => _areReady = true);

    /// <summary>Whether this node is about to go: then peers are asked to prefer others' routes (RFC 8326). Any thread.</summary>
    public void SetLeaving(bool isLeaving) => Post(_ =>
    {
        if (_isLeaving == isLeaving)
            return;
        (_isLeaving, _isNews) = (isLeaving, true);
        foreach (var table in _tables.Values)
            foreach (var route in table.ToArray())
                table.Set(route.Prefix, route.Attributes with { GracefulShutdown = isLeaving });
    });

    /// <summary>Shows all neighbours again: what was only counted is no news by itself. Any thread.</summary>
    public void Look() => Post(_ => (_isNews, _isUrgent) = (true, true));

    /// <summary>Ends a neighbour's session; another follows. Any thread.</summary>
    public void Reset(string neighbor, BgpError why) => Post(now => _neighbors.Reset(neighbor, why, now));

    /// <summary>All neighbours, with what is announced to them. Any thread.</summary>
    public Task<IReadOnlyList<NeighborReport>> ReportAsync(CancellationToken stop)
    {
        var report = new TaskCompletionSource<IReadOnlyList<NeighborReport>>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(now =>
        {
            try
            {
                report.TrySetResult(_neighbors.Reports(Clock(now)));
            }
            catch (Exception failure)
            {
                // Whoever asked has to do with it, and no session.
                report.TrySetException(failure);
            }
        });
        return report.Task.WaitAsync(stop);
    }

    /// <summary>Ends the loop: each session in the way that is right for it. Any thread.</summary>
    /// <param name="farewell">What a neighbour is told; null: nothing, it keeps the routes until this node is back.</param>
    public void Stop(Func<NeighborSettings, BgpError?> farewell) => Post(now =>
    {
        _stop = true;
        _neighbors.Stop(farewell, now);
        _listeners.SetNeighbors([], now);
    });

    /// <summary>Runs on the calling thread, in its network namespace, until <see cref="Stop"/>. What it throws is a fault, after which it is to be disposed of.</summary>
    public void Run()
    {
        while (true)
        {
            var deadline = Turn();
            if (_neighbors.IsOver)
                return;
            Wait.Until(deadline);
        }
    }

    public void Dispose()
    {
        _neighbors.Dispose();
        try
        {
            _listeners.Dispose();
            _links.Dispose();
        }
        finally
        {
            Wait.Dispose();
        }
    }

    /// <summary>Something about a neighbour is news. The loop's thread.</summary>
    public void Changed(Neighbor _, bool isUrgent = true) => (_isNews, _isUrgent) = (true, _isUrgent || isUrgent);

    /// <summary>Whether what somebody from a range does may be told loudly: now and then. The loop's thread.</summary>
    public bool MayWarn(string template, long now)
    {
        if (_warnedAt.TryGetValue(template, out var before) && now < before + WarnEvery)
            return false;
        _warnedAt[template] = now;
        return true;
    }

    /// <summary>There is more to do than was waited for. The loop's thread.</summary>
    public void Again() => _again = true;

    /// <summary>Whoever was found on an interface may be another one now. The loop's thread.</summary>
    public void LookAgain(string link) => _links.Forget(link);

    /// <returns>Until when to wait.</returns>
    private long Turn()
    {
        var now = DeadlineWait.Now;
        while (_door.TryDequeue(out var wish))
            wish(now);
        _again = false;
        _listeners.Retry(now);
        for (var i = 0; i < AcceptAtOnce && !_stop && _listeners.TryAccept(out var accepted); i++)
            _neighbors.Accept(accepted, now);
        _links.Advance(now);
        var deadline = Math.Min(_neighbors.Advance(_areReady, now, out var sent), Math.Min(_listeners.Deadline, _links.Deadline));
        _isNews |= sent;
        Show(now);
        return _again ? 1 : Math.Min(deadline, _isNews ? _shownAt + ShowEvery : _neighbors.IsEmpty ? long.MaxValue : _shownAt + ShowAnyway);
    }

    private void Post(Action<long> wish)
    {
        _door.Enqueue(wish);
        Wait.Wake();
    }

    private RouteTable TableOf(string name)
    {
        if (!_tables.TryGetValue(name, out var table))
            _tables.Add(name, table = new RouteTable());
        return table;
    }

    private void Apply(IReadOnlyList<(NeighborSettings Settings, string Table)> neighbors, IReadOnlyList<string> tables, long now)
    {
        if (_stop)
            return;
        _neighbors.Set(neighbors, now);
        foreach (var unused in _tables.Keys.Except(neighbors.Select(neighbor => neighbor.Table)).Except(tables).ToList())
            _tables.Remove(unused);
        var all = neighbors.Select(neighbor => neighbor.Settings).ToList();
        _listeners.SetNeighbors(all, now);
        _links.SetLinks([.. all.Select(settings => settings.Interface).Where(link => link.Length > 0).Distinct()], now);
        (_isNews, _isUrgent) = (true, true);
    }

    private void OnFound(string link, IPAddress address)
    {
        if (_stop)
            return;
        Log.LogInformation("bgp: the neighbour on {Interface} is {Address}", link, address);
        _neighbors.Found(link, address);
        _listeners.SetKeys();
    }

    private void Show(long now)
    {
        if (!_isUrgent && now < _shownAt + (_isNews ? ShowEvery : ShowAnyway))
            return;
        (_isNews, _isUrgent, _shownAt) = (false, false, now);
        _onStatus(_neighbors.Statuses(Clock(now)));
    }

    private Func<long, DateTimeOffset> Clock(long now)
    {
        var present = _time.GetUtcNow();
        return at => present - TimeSpan.FromMicroseconds(now - at);
    }
}
