using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Protocols.Neighbors;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// The addresses whose clients several nodes share, and what follows from a change of the shares: whoever asked for such an address before, and is
/// this node's client only now (its own node died, left, or this one came), is told so, alone and without having asked. Nobody else hears of it,
/// for everybody else's node is as it was. One caller at a time; times are microseconds.
/// </summary>
internal sealed class SharedClients
{
    /// <summary>Linux takes no second change of an entry within a second of the last one (its <c>locktime</c>): so they are told thrice.</summary>
    private const int Times = 3;
    private const long Every = 1_100_000;

    private readonly Dictionary<IpAddress, NodeShare> _shares = [];
    private readonly Dictionary<string, AskerMemory<IPv4>> _askersOfIPv4 = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AskerMemory<IPv6>> _askersOfIPv6 = new(StringComparer.Ordinal);
    private readonly PriorityQueue<Telling, long> _tellings = new();

    /// <summary>Clients on an interface that are to be told.</summary>
    /// <param name="Interface">There.</param>
    /// <param name="Address">The address they asked for.</param>
    /// <param name="Before">This node's share before; null: none.</param>
    /// <param name="Share">Its share now.</param>
    /// <param name="Left">How often they are told yet.</param>
    private readonly record struct Telling(LinkResponder Interface, IpAddress Address, NodeShare? Before, NodeShare Share, int Left);

    /// <summary>When <see cref="Advance"/> has something to do, or null.</summary>
    public long? Deadline => _tellings.TryPeek(out _, out var due) ? due : null;

    /// <summary>This node's share of an address's clients; null: all.</summary>
    public NodeShare? Of(IpAddress address) => _shares.GetValueOrDefault(address);

    /// <summary>Who asked on an interface for addresses of IPv4. It outlives the interface's socket: what happens there concerns just those clients.</summary>
    public AskerMemory<IPv4> AskersOfIPv4(string link) => Memory(_askersOfIPv4, link);

    /// <summary>Who asked on an interface for addresses of IPv6.</summary>
    public AskerMemory<IPv6> AskersOfIPv6(string link) => Memory(_askersOfIPv6, link);

    /// <summary>Whether there is any such address.</summary>
    public bool IsEmpty => _shares.Count == 0;

    /// <summary>Another number whenever clients found addresses here that did not before.</summary>
    public long Version => _askersOfIPv4.Values.Sum(memory => memory.Version) + _askersOfIPv6.Values.Sum(memory => memory.Version);

    /// <summary>The share is this now.</summary>
    /// <returns>Whether it was another.</returns>
    public bool Set(IpAddress address, NodeShare? share)
    {
        var before = Of(address);
        if (share is null)
            return _shares.Remove(address);
        if (share.IsSame(before))
            return false;
        _shares[address] = share;
        return true;
    }

    /// <summary>Has this node's new clients of an address told, with the next <see cref="Advance"/>.</summary>
    /// <param name="opened">The interface; it answers by the present share already.</param>
    /// <param name="address">The address.</param>
    /// <param name="before">Those of this share know; null: nobody does.</param>
    /// <param name="now">The present.</param>
    public void Tell(LinkResponder opened, IpAddress address, NodeShare? before, long now)
    {
        if (Of(address) is { } share)
            _tellings.Enqueue(new Telling(opened, address, before, share, Times), now);
    }

    /// <summary>Lets time pass: tells whoever is to be told.</summary>
    /// <param name="now">The present.</param>
    /// <param name="isOpen">Whether an interface is still used.</param>
    public void Advance(long now, Predicate<LinkResponder> isOpen)
    {
        // A node that dies leaves the clients of all its addresses at once: they are found in one pass over those who asked.
        var due = new Dictionary<LinkResponder, Dictionary<IpAddress, Telling>>();
        while (_tellings.TryPeek(out var telling, out var when) && when <= now)
        {
            _tellings.Dequeue();
            if (!isOpen(telling.Interface) || Of(telling.Address) != telling.Share || !telling.Interface.Announces(telling.Address))
                continue;
            if (!due.TryGetValue(telling.Interface, out var addresses))
                due[telling.Interface] = addresses = [];
            addresses.TryAdd(telling.Address, telling);
            if (telling.Left > 1)
                _tellings.Enqueue(telling with { Left = telling.Left - 1 }, now + Every);
        }

        foreach (var (opened, addresses) in due)
            opened.TellAskers((address, client) => addresses.TryGetValue(address, out var telling) && telling.Share.Includes(client) && telling.Before?.Includes(client) is not true);
    }

    private static AskerMemory<T> Memory<T>(Dictionary<string, AskerMemory<T>> memories, string link)
        where T : struct, IEquatable<T>
    {
        if (!memories.TryGetValue(link, out var memory))
            memories[link] = memory = new AskerMemory<T>();
        return memory;
    }
}
