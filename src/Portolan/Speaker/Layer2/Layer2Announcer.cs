using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// Makes the wire agree with the plan: on every interface that qualifies, exactly the addresses this node announces are answered for. New on an
/// interface, an address is claimed by gratuitous ARP, or an unsolicited neighbour advertisement, at once and then each 1.1 s for 5 s, as MetalLB does; lost, it is not answered for from that
/// moment on. One caller at a time; times are microseconds.
/// </summary>
/// <param name="selection">Which interfaces qualify.</param>
/// <param name="sockets">Opens sockets on interfaces.</param>
/// <param name="counters">Counts what goes over the wire.</param>
/// <param name="claims">Told of what others say of their addresses.</param>
/// <param name="log">Told of interfaces that come and go.</param>
/// <param name="onFailure">Called from another thread when an interface fails; the answer is to call <see cref="Failed"/>.</param>
internal sealed partial class Layer2Announcer(
    InterfaceSelection selection, Layer2Sockets sockets, Layer2Counters counters, WireClaims claims, ILogger log, Action<LinkResponder> onFailure) : IDisposable
{
    private const long RepeatEvery = 1_100_000;
    private const long RepeatFor = 5_000_000;
    private const long RetryAfter = 500_000;

    private readonly Dictionary<(int Link, IpFamily Family), LinkResponder> _interfaces = [];
    private readonly Dictionary<ObjectKey, Wanted> _wanted = [];
    private readonly Dictionary<IpAddress, List<ObjectKey>> _holders = [];
    private readonly HashSet<IpAddress> _held = [];
    private readonly PriorityQueue<Repeat, long> _repeats = new();
    private readonly Dictionary<(LinkResponder, IpAddress), long> _bursts = [];
    private readonly SharedClients _shared = new();
    private LinkSnapshot _links = new(new Dictionary<int, Link>(), []);
    private bool _discovers;
    private long? _retryAt;

    /// <summary>What one Service wants announced.</summary>
    /// <param name="Addresses">Its addresses.</param>
    /// <param name="Interfaces">Only on these; empty: on all.</param>
    private sealed record Wanted(IReadOnlyList<IpAddress> Addresses, IReadOnlyList<string> Interfaces);

    /// <summary>An announcement to be repeated until a time, unless another burst for the same address and interface has begun since.</summary>
    private readonly record struct Repeat(LinkResponder Interface, IpAddress Address, long Until);

    /// <summary>When <see cref="Advance"/> has something to do, or null.</summary>
    public long? Deadline
    {
        get
        {
            var repeat = _repeats.TryPeek(out _, out var due) ? due : long.MaxValue;
            var next = Math.Min(Math.Min(repeat, _shared.Deadline ?? long.MaxValue), _retryAt ?? long.MaxValue);
            return next == long.MaxValue ? null : next;
        }
    }

    /// <summary>The interfaces as <see cref="SetLinks"/> was told of them; what the selection makes of them it looks at then.</summary>
    public LinkSnapshot Links => _links;

    /// <summary>The addresses that this node answers for somewhere.</summary>
    public IReadOnlyCollection<IpAddress> Addresses => _holders.Keys;

    /// <summary>Announces exactly these addresses for a Service; none withdraws it.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="addresses">Its addresses.</param>
    /// <param name="interfaces">Only on these; empty: on all.</param>
    /// <param name="now">The present.</param>
    /// <param name="shares">This node's share of an address's clients, or null for all; null: all of all.</param>
    public void Set(ObjectKey service, IReadOnlyList<IpAddress> addresses, IReadOnlyList<string> interfaces, long now, Func<IpAddress, NodeShare?>? shares = null)
    {
        var before = _wanted.GetValueOrDefault(service)?.Addresses ?? [];
        if (addresses.Count == 0)
            _wanted.Remove(service);
        else
            _wanted[service] = new Wanted(addresses, interfaces);
        if (addresses.Any(address => !address.IsIPv4))
            Discover(now);
        foreach (var address in before.Except(addresses))
        {
            var holders = _holders[address];
            holders.Remove(service);
            if (holders.Count == 0)
            {
                _holders.Remove(address);
                _shared.Set(address, null);
            }

            Spread(address, _shared.Of(address), now);
        }

        foreach (var address in addresses)
        {
            if (!_holders.TryGetValue(address, out var holders))
                _holders[address] = holders = [];
            if (!holders.Contains(service))
                holders.Add(service);
            Spread(address, shares?.Invoke(address), now);
        }
    }

    /// <summary>The interfaces are these now: opens, closes and re-opens what has to be.</summary>
    public void SetLinks(LinkSnapshot links, long now)
    {
        var before = _links;
        _links = links;
        foreach (var (key, opened) in _interfaces.ToList())
        {
            // What the socket was opened on must still be there and say the same.
            if (links.Links.TryGetValue(key.Link, out var link) && selection.Accepts(link) && link.Address == opened.Link.Address && link.Name == opened.Link.Name)
            {
                // The cable was out, or the queue was not switched on yet: what was sent meanwhile nobody has heard.
                if (link.Has(LinkFlags.Running) && before.Links.TryGetValue(key.Link, out var old) && !old.Has(LinkFlags.Running))
                    Claim(opened, now);
                opened.Refresh();
                continue;
            }

            log.LogInformation("{Interface}: no {Family} announcements any more", opened.Link.Name, opened.Family);
            opened.Dispose();
            _interfaces.Remove(key);
        }

        OpenMissing(now);
    }

    /// <summary>An interface failed by itself: its socket is gone.</summary>
    public void Failed(LinkResponder failed, long now)
    {
        failed.Dispose();
        if (_interfaces.GetValueOrDefault(Key(failed)) != failed)
            return;
        _interfaces.Remove(Key(failed));
        // Mostly it went down, and the news of that is on its way. Should it not be, opening is tried again, but not in a circle.
        _retryAt = now + RetryAfter;
    }

    /// <summary>Lets time pass: sends the repetitions that are due.</summary>
    public void Advance(long now)
    {
        if (_retryAt <= now)
        {
            _retryAt = null;
            OpenMissing(now);
        }

        _shared.Advance(now, opened => _interfaces.GetValueOrDefault(Key(opened)) == opened);
        while (_repeats.TryPeek(out var repeat, out var due) && due <= now)
        {
            _repeats.Dequeue();
            var key = (repeat.Interface, repeat.Address);
            if (_bursts.GetValueOrDefault(key) != repeat.Until)
                continue;
            var current = _interfaces.GetValueOrDefault(Key(repeat.Interface)) == repeat.Interface && repeat.Interface.Announces(repeat.Address);
            if (current)
                repeat.Interface.SendGratuitous(repeat.Address);
            if (current && now + RepeatEvery <= repeat.Until)
                _repeats.Enqueue(repeat, now + RepeatEvery);
            else
                _bursts.Remove(key);
        }
    }

    /// <summary>Another number whenever <see cref="OwnClients"/> may give others; null where no address's clients are shared.</summary>
    public long? ClientsVersion => _shared.IsEmpty ? null : _shared.Version;

    /// <summary>The clients that found shared addresses at this node: what other nodes have to know to take them over.</summary>
    public IReadOnlyCollection<SharedClient> OwnClients() => [.. _interfaces.Values.SelectMany(opened => opened.OwnClients()).Distinct()];

    /// <summary>Other nodes heard these clients ask. Those that are this node's now, and did not know, are told.</summary>
    public void Learn(IEnumerable<SharedClient> clients)
    {
        var mine = new Dictionary<LinkResponder, HashSet<(IpAddress, MacAddress)>>();
        foreach (var client in clients)
            foreach (var opened in _interfaces.Values)
                if (opened.Family == client.Target.Family && opened.Family == client.Address.Family && _shared.Of(client.Target) is not null && opened.Learn(client))
                {
                    if (!mine.TryGetValue(opened, out var told))
                        mine[opened] = told = [];
                    told.Add((client.Target, client.Mac));
                }

        foreach (var (opened, told) in mine)
            opened.TellAskers((address, client) => told.Contains((address, client)));
    }

    /// <summary>Whether any open interface is among these, or there is any at all when none is named.</summary>
    public bool HasInterface(IReadOnlyList<string> names) =>
        _interfaces.Values.Any(opened => names.Count == 0 || names.Contains(opened.Link.Name));

    public void Dispose()
    {
        foreach (var opened in _interfaces.Values)
            opened.Dispose();
        _interfaces.Clear();
    }

    private void OpenMissing(long now)
    {
        foreach (var link in _links.Links.Values)
        {
            if (!selection.Accepts(link))
                continue;
            Open(link, IpFamily.IPv4, now);
            if (_discovers)
                Open(link, IpFamily.IPv6, now);
        }
    }

    private void Open(Link link, IpFamily family, long now)
    {
        if (_interfaces.ContainsKey((link.Index, family)))
            return;
        try
        {
            LinkResponder opened = family is IpFamily.IPv4
                ? ArpInterface.Start(link, sockets.Arp(link.Index), _shared.AskersOfIPv4(link.Name), counters, claims, log, onFailure)
                : NdpInterface.Start(link, sockets.Ndp(link.Index), _shared.AskersOfIPv6(link.Name), counters, claims, log, onFailure);
            _interfaces.Add((link.Index, family), opened);
            log.LogInformation("{Interface}: announcing {Family} with {Mac}", link.Name, family, link.Address);
            Claim(opened, now);
        }
        catch (SocketException failure)
        {
            log.LogWarning("{Interface}: cannot announce {Family}: {Failure}", link.Name, family, failure.Message);
            _retryAt = now + RetryAfter;
        }
    }

    /// <summary>Says everything again: neighbours may have been told otherwise by a node that was cut off and announced the same.</summary>
    public void ClaimAnew(long now)
    {
        foreach (var opened in _interfaces.Values)
            Claim(opened, now);
    }

    private static (int, IpFamily) Key(LinkResponder opened) => (opened.Link.Index, opened.Family);

    // Who has no IPv6 Services pays for no filter on IPv6 packets.
    private void Discover(long now)
    {
        if (_discovers)
            return;
        _discovers = true;
        OpenMissing(now);
    }

    // Everything this interface should say, said (again).
    private void Claim(LinkResponder opened, long now)
    {
        foreach (var address in _holders.Keys)
            if (Belongs(address, opened))
            {
                opened.Announce(address, _shared.Of(address));
                Burst(opened, address, now);
            }
    }

    private void Spread(IpAddress address, NodeShare? share, long now)
    {
        var before = _shared.Of(address);
        var isOther = _shared.Set(address, share);
        foreach (var opened in _interfaces.Values)
        {
            if (address.Family != opened.Family)
                continue;
            if (!Belongs(address, opened))
                opened.Withdraw(address);
            else if (opened.Announce(address, share))
                Burst(opened, address, now);
            else if (isOther && share is not null && before is not null)
                _shared.Tell(opened, address, before, now);
            else if (isOther)
                Burst(opened, address, now);
        }
    }

    // Where nodes share the clients, all others' must not hear of it: those of this node that are known are told alone.
    private void Burst(LinkResponder opened, IpAddress address, long now)
    {
        if (_shared.Of(address) is not null)
        {
            _bursts.Remove((opened, address));
            _shared.Tell(opened, address, null, now);
            return;
        }

        opened.SendGratuitous(address);
        _bursts[(opened, address)] = now + RepeatFor;
        _repeats.Enqueue(new Repeat(opened, address, now + RepeatFor), now + RepeatEvery);
    }

    private bool Belongs(IpAddress address, LinkResponder opened) => !_held.Contains(address) && Wishes(address, opened);

    // Services that share an address are of one mind about it, or the wider wish wins.
    private bool Wishes(IpAddress address, LinkResponder opened) =>
        address.Family == opened.Family
        && _holders.TryGetValue(address, out var holders)
        && holders.Exists(service => _wanted[service].Interfaces is { Count: 0 } || _wanted[service].Interfaces.Contains(opened.Link.Name));
}
