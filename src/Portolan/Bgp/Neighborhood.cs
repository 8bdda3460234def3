using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// All neighbours of a <see cref="BgpLoop"/>: those that were named, those that connected from a range, and those whose last words are still going out. What
/// fails while one of them is served is that one's misfortune: it loses its connections, and begins anew after a pause. The loop's thread only.
/// </summary>
/// <param name="loop">Serves them.</param>
/// <param name="tableOf">The table of a name.</param>
/// <param name="find">Who was heard last on an interface, or null.</param>
internal sealed class Neighborhood(BgpLoop loop, Func<string, RouteTable> tableOf, Func<string, IPAddress?> find) : IDisposable
{
    private readonly Dictionary<string, Neighbor> _named = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Template, IPAddress Address), Neighbor> _dynamic = [];
    private readonly List<Neighbor> _leaving = [];
    private readonly Dictionary<string, string> _tableOf = new(StringComparer.Ordinal);
    private IReadOnlyList<NeighborSettings> _templates = [];
    private Neighbor[] _everybody = [];
    private bool _isStopped;

    /// <summary>There is nobody.</summary>
    public bool IsEmpty => _everybody.Length == 0;

    /// <summary>Nothing is left of anybody: all were stopped, and all last words are out.</summary>
    public bool IsOver => _isStopped && _everybody.All(neighbor => neighbor.IsOver);

    /// <summary>Exactly these are there from now on, each with the name of the table that it is told.</summary>
    public void Set(IReadOnlyList<(NeighborSettings Settings, string Table)> neighbors, long now)
    {
        var wanted = neighbors.ToDictionary(neighbor => neighbor.Settings.Name, StringComparer.Ordinal);
        foreach (var (name, neighbor) in _named.ToList())
            if (!wanted.TryGetValue(name, out var next) || next.Settings != neighbor.Settings)
                Leave(neighbor, wanted.ContainsKey(name), now);
        foreach (var (key, neighbor) in _dynamic.ToList())
            if (!wanted.TryGetValue(key.Template, out var next) || next.Settings != neighbor.Template)
                Leave(neighbor, wanted.ContainsKey(key.Template), now);
        foreach (var (settings, table) in neighbors)
        {
            _tableOf[settings.Name] = table;
            foreach (var ((template, _), neighbor) in _dynamic)
                if (template == settings.Name)
                    neighbor.Use(tableOf(table));
            if (settings.ListenRanges.Prefixes.Count > 0)
                continue;
            if (_named.TryGetValue(settings.Name, out var known))
                known.Use(tableOf(table));
            else if (Make(settings, template: null, settings.Interface.Length > 0 ? find(settings.Interface) : settings.Address?.ToIPAddress()) is { } added)
                Begin(_named[settings.Name] = added, now);
        }

        _templates = [.. neighbors.Select(neighbor => neighbor.Settings).Where(settings => settings.ListenRanges.Prefixes.Count > 0)];
        Count();
    }

    /// <summary>Gives an accepted connection to whom it belongs; nobody's is closed.</summary>
    public void Accept((Socket Connection, IPEndPoint Remote, string Vrf) accepted, long now)
    {
        var (connection, remote, vrf) = accepted;
        if (OwnerOf(remote.Address, vrf, now) is { } owner)
        {
            Serve(owner, neighbor => neighbor.Accept(connection, now));
            return;
        }

        loop.Log.LogDebug("bgp: a connection from {Address} is refused: it is no peer's", remote.Address);
        connection.Dispose();
    }

    /// <summary>Where the neighbour of this name is, as far as is known.</summary>
    public IPAddress? PlaceOf(string name) => _named.GetValueOrDefault(name)?.Address;

    /// <summary>Somebody was found on an interface.</summary>
    public void Found(string link, IPAddress address)
    {
        foreach (var found in _named.Values.ToList())
            if (found.Settings.Interface == link)
                Serve(found, neighbor => neighbor.FoundAt(address, DeadlineWait.Now));
    }

    /// <summary>Ends the session of a neighbour; another follows.</summary>
    public void Reset(string title, BgpError why, long now)
    {
        foreach (var found in Present().ToList())
            if (found.Title == title)
                Serve(found, neighbor => neighbor.Reset(why, quietly: false, now));
    }

    /// <summary>Ends everything.</summary>
    /// <param name="farewell">What a neighbour is told; null: nothing, it keeps the routes until this node is back.</param>
    /// <param name="now">The present, microseconds.</param>
    public void Stop(Func<NeighborSettings, BgpError?> farewell, long now)
    {
        _isStopped = true;
        foreach (var present in _everybody)
        {
            var why = farewell(present.Settings);
            Serve(present, neighbor => neighbor.Stop(why ?? new BgpError(BgpErrorCode.None, 0, default, "this speaker restarts"), quietly: why is null, now));
        }
    }

    /// <summary>Serves everybody.</summary>
    /// <param name="areReady">Whether routes may be sent.</param>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="sent">Whether routes were sent.</param>
    /// <returns>When to be called again: microseconds.</returns>
    public long Advance(bool areReady, long now, out bool sent)
    {
        sent = false;
        var deadline = long.MaxValue;
        foreach (var neighbor in _everybody)
        {
            try
            {
                neighbor.Advance(now);
                sent |= neighbor.SendRoutes(areReady, now);
                deadline = Math.Min(deadline, neighbor.Deadline);
            }
            catch (Exception failure)
            {
                Fail(neighbor, failure);
                loop.Again();
            }
        }

        Clear();
        return deadline;
    }

    /// <summary>How everybody is who has not been stopped.</summary>
    public IReadOnlyList<NeighborStatus> Statuses(Func<long, DateTimeOffset> clock)
    {
        var statuses = new List<NeighborStatus>(_everybody.Length);
        foreach (var neighbor in Present().ToList())
            Serve(neighbor, found => statuses.Add(found.Status(clock)));
        return statuses;
    }

    /// <summary>The same with all routes, by name.</summary>
    public IReadOnlyList<NeighborReport> Reports(Func<long, DateTimeOffset> clock) =>
        [.. Present().OrderBy(neighbor => neighbor.Title, StringComparer.Ordinal).Select(neighbor => BgpReports.Of(neighbor.Status(clock), neighbor.Routes()))];

    public void Dispose()
    {
        foreach (var neighbor in _everybody)
        {
            try
            {
                neighbor.Dispose();
            }
            catch (Exception failure)
            {
                // After a fault of the loop, perhaps: the others' connections are closed nevertheless.
                loop.Log.LogError(failure, "bgp: peer {Peer} could not be put away", neighbor.Title);
            }
        }
    }

    private IEnumerable<Neighbor> Present() => _named.Values.Concat(_dynamic.Values);

    // Somebody came or went.
    private void Count() => _everybody = [.. _named.Values, .. _dynamic.Values, .. _leaving];

    private void Begin(Neighbor begun, long now) => Serve(begun, neighbor => neighbor.Start(now));

    private Neighbor? Make(NeighborSettings settings, NeighborSettings? template, IPAddress? address)
    {
        try
        {
            return new Neighbor(loop, settings, tableOf(_tableOf[settings.Name]), address) { Template = template };
        }
        catch (ArgumentException impossible)
        {
            // Whoever made the settings should have known; the others are there nevertheless.
            loop.Log.LogError(impossible, "bgp: peer {Peer} can have no session", settings.Name);
            return null;
        }
    }

    private Neighbor? OwnerOf(IPAddress address, string vrf, long now)
    {
        // Of several on one address, on different ports of theirs, the one that is waited for is meant.
        Neighbor? first = null;
        foreach (var neighbor in _named.Values)
        {
            if (neighbor.Settings.Vrf != vrf || !address.Equals(neighbor.Address))
                continue;
            if (neighbor.Settings.IsWaitedFor)
                return neighbor;
            first ??= neighbor;
        }

        if (first is not null)
            return first;
        var value = IpAddress.Read(address.GetAddressBytes());
        foreach (var template in _templates)
        {
            if (template.Vrf != vrf || !template.ListenRanges.Contain(value))
                continue;
            if (_dynamic.TryGetValue((template.Name, address), out var known))
                return known;
            if (!HasRoom(template, now))
            {
                loop.Log.Log(loop.MayWarn(template.Name, now) ? LogLevel.Warning : LogLevel.Debug, "bgp: {Address} is refused: {Peer} has its {Limit} sessions", address, template.Name, template.ListenRanges.Limit);
                return null;
            }

            if (Make(template with { Session = template.Session with { IsPassive = true } }, template, address) is not { } added)
                return null;
            _dynamic.Add((template.Name, address), added);
            Count();
            Begin(added, now);
            return _dynamic[(template.Name, address)];
        }

        return null;
    }

    // One who is not established has no right to a place: where all are taken, whoever has been waited for the longest makes room.
    private bool HasRoom(NeighborSettings template, long now)
    {
        var own = _dynamic.Values.Where(neighbor => neighbor.Settings.Name == template.Name).ToList();
        if (own.Count < template.ListenRanges.Limit)
            return true;
        if (own.Where(neighbor => !neighbor.IsEstablished).MinBy(neighbor => neighbor.Since) is not { } oldest)
            return false;
        Remove(oldest);
        try
        {
            oldest.Stop(BgpError.Cease(CeaseSubcode.OutOfResources, "others want its place"), quietly: false, now);
        }
        finally
        {
            oldest.Dispose();
            Count();
        }

        return true;
    }

    private void Leave(Neighbor leaving, bool comesBack, long now)
    {
        Remove(leaving);
        _leaving.Add(leaving);
        Serve(leaving, neighbor => neighbor.Stop(
            comesBack
                ? new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.ConfigurationChange, default, "its configuration changed")
                : new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.PeerDeconfigured, default, "it is not configured any more"),
            quietly: false,
            now));
    }

    private void Remove(Neighbor neighbor)
    {
        if (neighbor is { IsDynamic: true, Address: { } address })
            _dynamic.Remove((neighbor.Settings.Name, address));
        else
            _named.Remove(neighbor.Settings.Name);
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
                loop.Changed(neighbor);
            }

        if (_leaving.Count + _dynamic.Count != before)
            Count();
    }

    private void Serve(Neighbor neighbor, Action<Neighbor> what)
    {
        try
        {
            what(neighbor);
        }
        catch (Exception failure)
        {
            Fail(neighbor, failure);
        }
    }

    // What it was in the midst of is not known: nothing of it is used again. Should not even its end succeed, more than a neighbour is broken.
    private void Fail(Neighbor failed, Exception failure)
    {
        failed.Dispose();
        var isLeaving = _leaving.Remove(failed);
        if (isLeaving || _isStopped)
        {
            loop.Log.LogError(failure, "bgp: taking leave of peer {Peer} failed: its connections are closed", failed.Title);
            if (!isLeaving)
                Remove(failed);
        }
        else
        {
            var next = failed.Anew(failure, DeadlineWait.Now);
            loop.Log.LogError(failure, "bgp: serving peer {Peer} failed: its connections are closed, and it begins anew in {Seconds} s", failed.Title, next.Faults.Pause / 1_000_000);
            if (failed is { IsDynamic: true, Address: { } address })
                _dynamic[(failed.Settings.Name, address)] = next;
            else
                _named[failed.Settings.Name] = next;
        }

        Count();
        loop.Changed(failed);
    }
}
