using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// Makes the wire agree with the plan: on every interface that qualifies, exactly the addresses this node announces are answered for. New on an
/// interface, an address is claimed by gratuitous ARP at once and then each 1.1 s for 5 s, as MetalLB does; lost, it is not answered for from that
/// moment on. One caller at a time; times are microseconds.
/// </summary>
/// <param name="selection">Which interfaces qualify.</param>
/// <param name="open">Opens a socket on the interface of an index.</param>
/// <param name="counters">Counts what goes over the wire.</param>
/// <param name="log">Told of interfaces that come and go.</param>
/// <param name="onFailure">Called from another thread when an interface fails; the answer is to call <see cref="Failed"/>.</param>
internal sealed class Layer2Announcer(
    InterfaceSelection selection, Func<int, ArpSocket> open, ArpCounters counters, ILogger log, Action<ArpInterface> onFailure) : IDisposable
{
    private const long RepeatEvery = 1_100_000;
    private const long RepeatFor = 5_000_000;
    private const long RetryAfter = 500_000;

    private readonly Dictionary<int, ArpInterface> _interfaces = [];
    private readonly Dictionary<ObjectKey, Wanted> _wanted = [];
    private readonly Dictionary<IPv4, List<ObjectKey>> _holders = [];
    private readonly PriorityQueue<Repeat, long> _repeats = new();
    private readonly Dictionary<(ArpInterface, IPv4), long> _bursts = [];
    private LinkSnapshot _links = new(new Dictionary<int, Link>(), []);
    private long? _retryAt;

    /// <summary>What one Service wants announced.</summary>
    /// <param name="Addresses">Its IPv4 addresses.</param>
    /// <param name="Interfaces">Only on these; empty: on all.</param>
    private sealed record Wanted(IReadOnlyList<IPv4> Addresses, IReadOnlyList<string> Interfaces);

    /// <summary>An announcement to be repeated until a time, unless another burst for the same address and interface has begun since.</summary>
    private readonly record struct Repeat(ArpInterface Interface, IPv4 Address, long Until);

    /// <summary>When <see cref="Advance"/> has something to do, or null.</summary>
    public long? Deadline
    {
        get
        {
            var repeat = _repeats.TryPeek(out _, out var due) ? due : long.MaxValue;
            var next = Math.Min(repeat, _retryAt ?? long.MaxValue);
            return next == long.MaxValue ? null : next;
        }
    }

    /// <summary>The addresses that this node answers for somewhere.</summary>
    public IReadOnlyCollection<IPv4> Addresses => _holders.Keys;

    /// <summary>Announces exactly these addresses for a Service; none withdraws it.</summary>
    public void Set(ObjectKey service, IReadOnlyList<IPv4> addresses, IReadOnlyList<string> interfaces, long now)
    {
        var before = _wanted.GetValueOrDefault(service)?.Addresses ?? [];
        if (addresses.Count == 0)
            _wanted.Remove(service);
        else
            _wanted[service] = new Wanted(addresses, interfaces);
        foreach (var address in before.Except(addresses))
        {
            var holders = _holders[address];
            holders.Remove(service);
            if (holders.Count == 0)
                _holders.Remove(address);
            Spread(address, now);
        }

        foreach (var address in addresses)
        {
            if (!_holders.TryGetValue(address, out var holders))
                _holders[address] = holders = [];
            if (!holders.Contains(service))
                holders.Add(service);
            Spread(address, now);
        }
    }

    /// <summary>The interfaces are these now: opens, closes and re-opens what has to be.</summary>
    public void SetLinks(LinkSnapshot links, long now)
    {
        var before = _links;
        _links = links;
        foreach (var (index, opened) in _interfaces.ToList())
        {
            // What the socket was opened on must still be there and say the same.
            if (links.Links.TryGetValue(index, out var link) && selection.Accepts(link) && link.Address == opened.Link.Address && link.Name == opened.Link.Name)
            {
                // The cable was out, or the queue was not switched on yet: what was sent meanwhile nobody has heard.
                if (link.Has(LinkFlags.Running) && before.Links.TryGetValue(index, out var old) && !old.Has(LinkFlags.Running))
                    Claim(opened, now);
                continue;
            }

            log.LogInformation("{Interface}: no announcements any more", opened.Link.Name);
            opened.Dispose();
            _interfaces.Remove(index);
        }

        OpenMissing(now);
    }

    /// <summary>An interface failed by itself: its socket is gone.</summary>
    public void Failed(ArpInterface failed, long now)
    {
        failed.Dispose();
        if (_interfaces.GetValueOrDefault(failed.Link.Index) != failed)
            return;
        _interfaces.Remove(failed.Link.Index);
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

        while (_repeats.TryPeek(out var repeat, out var due) && due <= now)
        {
            _repeats.Dequeue();
            var key = (repeat.Interface, repeat.Address);
            if (_bursts.GetValueOrDefault(key) != repeat.Until)
                continue;
            var current = _interfaces.GetValueOrDefault(repeat.Interface.Link.Index) == repeat.Interface && repeat.Interface.Announces(repeat.Address);
            if (current)
                repeat.Interface.SendGratuitous(repeat.Address);
            if (current && now + RepeatEvery <= repeat.Until)
                _repeats.Enqueue(repeat, now + RepeatEvery);
            else
                _bursts.Remove(key);
        }
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
            if (_interfaces.ContainsKey(link.Index) || !selection.Accepts(link))
                continue;
            try
            {
                var opened = ArpInterface.Start(link, open(link.Index), counters, log, onFailure);
                _interfaces.Add(link.Index, opened);
                log.LogInformation("{Interface}: announcing with {Mac}", link.Name, link.Address);
                Claim(opened, now);
            }
            catch (SocketException failure)
            {
                log.LogWarning("{Interface}: cannot announce: {Failure}", link.Name, failure.Message);
                _retryAt = now + RetryAfter;
            }
        }
    }

    // Everything this interface should say, said (again).
    private void Claim(ArpInterface opened, long now)
    {
        foreach (var address in _holders.Keys)
            if (Belongs(address, opened))
            {
                opened.Announce(address);
                Burst(opened, address, now);
            }
    }

    private void Spread(IPv4 address, long now)
    {
        foreach (var opened in _interfaces.Values)
        {
            if (!Belongs(address, opened))
                opened.Withdraw(address);
            else if (opened.Announce(address))
                Burst(opened, address, now);
        }
    }

    private void Burst(ArpInterface opened, IPv4 address, long now)
    {
        opened.SendGratuitous(address);
        _bursts[(opened, address)] = now + RepeatFor;
        _repeats.Enqueue(new Repeat(opened, address, now + RepeatFor), now + RepeatEvery);
    }

    // Services that share an address are of one mind about it, or the wider wish wins.
    private bool Belongs(IPv4 address, ArpInterface opened) =>
        _holders.TryGetValue(address, out var holders)
        && holders.Exists(service => _wanted[service].Interfaces is { Count: 0 } || _wanted[service].Interfaces.Contains(opened.Link.Name));
}
