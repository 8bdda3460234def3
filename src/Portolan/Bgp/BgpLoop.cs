using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// Speaks BGP with all neighbours of this node, on a thread of its own: no pool and no timer queue can make a KEEPALIVE late. What others want is left at
/// the door, and done in that order. A turn costs what has happened, and a glance at each neighbour.
/// </summary>
internal sealed class BgpLoop : IDisposable
{
    /// <summary>The TCP port of BGP (RFC 4271 §8.2.1).</summary>
    public const ushort DefaultPort = 179;

    // What is shown of the neighbours is made anew no more often, unless a session came or went.
    private const long ShowEvery = 200_000;

    // Counters are shown so often even where there is no news.
    private const long ShowAnyway = 10_000_000;

    private const long WarnEvery = 10_000_000;

    // Connections accepted at a time: however many come, the neighbours that are there are not kept waiting.
    private const int AcceptAtOnce = 32;

    private readonly ConcurrentQueue<Action<long>> _door = new();
    private readonly Dictionary<string, Neighbor> _neighbors = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Template, IPAddress Address), Neighbor> _dynamic = [];
    private readonly List<Neighbor> _leaving = [];
    private readonly Dictionary<string, long> _warnedAt = new(StringComparer.Ordinal);
    private Neighbor[] _everybody = [];
    private readonly Dictionary<string, RouteTable> _tables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _tableOf = new(StringComparer.Ordinal);
    private readonly BgpListeners _listeners;
    private readonly LinkNeighbors _links;
    private readonly Action<IReadOnlyList<NeighborStatus>> _onStatus;
    private readonly TimeProvider _time;
    private IReadOnlyList<NeighborSettings> _templates = [];
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
        _listeners = new BgpListeners(Wait, port, settings => _neighbors.GetValueOrDefault(settings.Name)?.Address, log);
        _links = new LinkNeighbors(Wait, OnFound, log);
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
    public void Reset(string neighbor, BgpError why) => Post(now =>
    {
        foreach (var found in Present)
            if (found.Title == neighbor)
                found.Reset(why, quietly: false, now);
    });

    /// <summary>All neighbours, with what is announced to them. Any thread.</summary>
    public Task<IReadOnlyList<NeighborReport>> ReportAsync(CancellationToken stop)
    {
        var report = new TaskCompletionSource<IReadOnlyList<NeighborReport>>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(now =>
        {
            var clock = Clock(now);
            report.TrySetResult([.. Present.OrderBy(neighbor => neighbor.Title, StringComparer.Ordinal).Select(neighbor => BgpReports.Of(neighbor.Status(clock), neighbor.Routes()))]);
        });
        return report.Task.WaitAsync(stop);
    }

    /// <summary>Ends the loop: each session in the way that is right for it. Any thread.</summary>
    /// <param name="farewell">What a neighbour is told; null: nothing, it keeps the routes until this node is back.</param>
    public void Stop(Func<NeighborSettings, BgpError?> farewell) => Post(now =>
    {
        foreach (var neighbor in _everybody)
        {
            var why = farewell(neighbor.Settings);
            neighbor.Stop(why ?? new BgpError(BgpErrorCode.None, 0, default, "this speaker restarts"), quietly: why is null, now);
        }

        _stop = true;
        _listeners.SetNeighbors([], now);
    });

    /// <summary>Runs on the calling thread, in its network namespace, until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (true)
        {
            var deadline = Turn();
            if (_stop && _everybody.All(neighbor => neighbor.IsOver))
                return;
            Wait.Until(deadline);
        }
    }

    public void Dispose()
    {
        foreach (var neighbor in _everybody)
            neighbor.Dispose();
        _listeners.Dispose();
        _links.Dispose();
        Wait.Dispose();
    }

    /// <summary>Something about a neighbour is news. The loop's thread.</summary>
    public void Changed(Neighbor _, bool isUrgent = true) => (_isNews, _isUrgent) = (true, _isUrgent || isUrgent);

    /// <summary>
    /// Whether what somebody from a range does may be told loudly: now and then, for there may be any number of strangers. The loop's thread.
    /// </summary>
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
            Accept(accepted, now);
        _links.Advance(now);
        var deadline = Math.Min(_listeners.Deadline, _links.Deadline);
        foreach (var neighbor in _everybody)
        {
            neighbor.Advance(now);
            _isNews |= neighbor.SendRoutes(_areReady, now);
            deadline = Math.Min(deadline, neighbor.Deadline);
        }

        Clear();
        Show(now);
        return _again ? 1 : Math.Min(deadline, _isNews ? _shownAt + ShowEvery : _everybody.Length > 0 ? _shownAt + ShowAnyway : long.MaxValue);
    }

    // Somebody came or went.
    private void Count() => _everybody = [.. _neighbors.Values, .. _dynamic.Values, .. _leaving];

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
        var wanted = neighbors.ToDictionary(neighbor => neighbor.Settings.Name, StringComparer.Ordinal);
        foreach (var (name, neighbor) in _neighbors.ToList())
            if (!wanted.TryGetValue(name, out var next) || next.Settings != neighbor.Settings)
                Leave(neighbor, wanted.ContainsKey(name), now);
        foreach (var (key, neighbor) in _dynamic.ToList())
            if (!wanted.TryGetValue(key.Template, out var next) || next.Settings != neighbor.Template)
                Leave(neighbor, wanted.ContainsKey(key.Template), now);
        foreach (var (settings, table) in neighbors)
        {
            _tableOf[settings.Name] = table;
            foreach (var neighbor in _dynamic.Where(entry => entry.Key.Template == settings.Name))
                neighbor.Value.Use(TableOf(table));
            if (settings.ListenRanges.Prefixes.Count > 0)
                continue;
            if (_neighbors.TryGetValue(settings.Name, out var known))
            {
                known.Use(TableOf(table));
                continue;
            }

            var address = settings.Interface.Length > 0 ? _links.Find(settings.Interface) : settings.Address?.ToIPAddress();
            var added = new Neighbor(this, settings, TableOf(table), address);
            _neighbors.Add(settings.Name, added);
            added.Start(now);
        }

        foreach (var unused in _tables.Keys.Except(neighbors.Select(neighbor => neighbor.Table)).Except(tables).ToList())
            _tables.Remove(unused);
        _templates = [.. neighbors.Select(neighbor => neighbor.Settings).Where(settings => settings.ListenRanges.Prefixes.Count > 0)];
        var all = neighbors.Select(neighbor => neighbor.Settings).ToList();
        _listeners.SetNeighbors(all, now);
        _links.SetLinks([.. all.Select(settings => settings.Interface).Where(link => link.Length > 0).Distinct()], now);
        (_isNews, _isUrgent) = (true, true);
        Count();
    }

    private void Leave(Neighbor neighbor, bool comesBack, long now)
    {
        neighbor.Stop(
            comesBack
                ? new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.ConfigurationChange, default, "its configuration changed")
                : new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.PeerDeconfigured, default, "it is not configured any more"),
            quietly: false,
            now);
        _neighbors.Remove(neighbor.Settings.Name);
        if (neighbor is { IsDynamic: true, Address: { } address })
            _dynamic.Remove((neighbor.Settings.Name, address));
        _leaving.Add(neighbor);
    }

    private void Accept((Socket Connection, IPEndPoint Remote, string Vrf) accepted, long now)
    {
        var (connection, remote, vrf) = accepted;
        var address = remote.Address;
        foreach (var neighbor in _neighbors.Values)
            if (neighbor.Settings.Vrf == vrf && address.Equals(neighbor.Address) && neighbor.Settings.ListenRanges.Prefixes.Count == 0)
            {
                neighbor.Accept(connection, now);
                return;
            }

        var value = IpAddress.Read(address.GetAddressBytes());
        foreach (var template in _templates)
        {
            if (template.Vrf != vrf || !template.ListenRanges.Contain(value))
                continue;
            if (_dynamic.TryGetValue((template.Name, address), out var known))
            {
                known.Accept(connection, now);
                return;
            }

            if (!HasRoom(template, now))
            {
                Log.Log(MayWarn(template.Name, now) ? LogLevel.Warning : LogLevel.Debug, "bgp: {Address} is refused: {Peer} has its {Limit} sessions", address, template.Name, template.ListenRanges.Limit);
                break;
            }

            var settings = template with { Session = template.Session with { IsPassive = true } };
            var neighbor = new Neighbor(this, settings, TableOf(_tableOf[template.Name]), address) { Template = template };
            _dynamic.Add((template.Name, address), neighbor);
            Count();
            neighbor.Start(now);
            neighbor.Accept(connection, now);
            return;
        }

        Log.LogDebug("bgp: a connection from {Address} is refused: it is no peer's", address);
        connection.Dispose();
    }

    // One who is not established has no right to a place: where all are taken, whoever has been waited for the longest makes room.
    private bool HasRoom(NeighborSettings template, long now)
    {
        var own = _dynamic.Where(entry => entry.Key.Template == template.Name).ToList();
        if (own.Count < template.ListenRanges.Limit)
            return true;

        var (key, oldest) = own.Where(entry => !entry.Value.IsEstablished).MinBy(entry => entry.Value.Since);
        if (oldest is null)
            return false;
        oldest.Stop(BgpError.Cease(CeaseSubcode.OutOfResources, "others want its place"), quietly: false, now);
        oldest.Dispose();
        _dynamic.Remove(key);
        Count();
        return true;
    }

    private void OnFound(string link, IPAddress address)
    {
        if (_stop)
            return;
        Log.LogInformation("bgp: the neighbour on {Interface} is {Address}", link, address);
        foreach (var neighbor in _neighbors.Values)
            if (neighbor.Settings.Interface == link)
                neighbor.FoundAt(address, DeadlineWait.Now);
        _listeners.SetKeys();
    }

    private void Clear()
    {
        var before = _leaving.Count + _dynamic.Count;
        for (var i = _leaving.Count - 1; i >= 0; i--)
            if (_leaving[i].IsOver)
            {
                _leaving[i].Dispose();
                _leaving.RemoveAt(i);
            }

        foreach (var (key, neighbor) in _dynamic)
            if (neighbor.IsForgotten)
            {
                neighbor.Dispose();
                _dynamic.Remove(key);
                (_isNews, _isUrgent) = (true, true);
            }

        if (_leaving.Count + _dynamic.Count != before)
            Count();
    }

    private void Show(long now)
    {
        if (!_isUrgent && now < _shownAt + (_isNews ? ShowEvery : ShowAnyway))
            return;
        (_isNews, _isUrgent, _shownAt) = (false, false, now);
        var clock = Clock(now);
        _onStatus([.. Present.Select(neighbor => neighbor.Status(clock))]);
    }

    private IEnumerable<Neighbor> Present => _neighbors.Values.Concat(_dynamic.Values);

    private Func<long, DateTimeOffset> Clock(long now)
    {
        var present = _time.GetUtcNow();
        return at => present - TimeSpan.FromMicroseconds(now - at);
    }
}
