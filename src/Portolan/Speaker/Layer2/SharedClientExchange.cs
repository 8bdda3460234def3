using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Protocols.Neighbors;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// Tells the other speakers which clients found shared addresses here, and learns the same from them. All hear a client that asks for the first time,
/// but who starts later does not know it, and would leave it without a word when its node dies. One caller at a time; times are microseconds.
/// </summary>
/// <param name="announcer">Knows this node's clients, and is told of the others'.</param>
/// <param name="publish">Tells all other speakers a part: its number and its bytes.</param>
internal sealed class SharedClientExchange(Layer2Announcer announcer, Action<byte, byte[]> publish)
{
    /// <summary>At most so many parts, about 700 clients of IPv4 or 270 of IPv6: those that asked last.</summary>
    internal const int MostParts = 8;

    /// <summary>News are collected for so long: a lost word costs no more than what a client asks in that time.</summary>
    private const long Every = 1_000_000;

    private readonly byte[][] _published = [.. Enumerable.Repeat(Array.Empty<byte>(), MostParts)];
    private readonly Dictionary<(string Node, byte Part), List<SharedClient>> _heard = [];
    private long _version = -1;
    private long _next = long.MinValue;

    /// <summary>When <see cref="Advance"/> must be called again, or null.</summary>
    public long? Deadline => announcer.ClientsVersion is null ? null : _next;

    /// <summary>Lets time pass: publishes what is news.</summary>
    public void Advance(long now)
    {
        if (announcer.ClientsVersion is not { } version || now < _next)
            return;
        _next = now + Every;
        if (version == _version)
            return;
        _version = version;
        var parts = Write(announcer.OwnClients());
        for (var part = 0; part < MostParts; part++)
        {
            var payload = part < parts.Count ? parts[part] : [];
            if (payload.AsSpan().SequenceEqual(_published[part]))
                continue;
            _published[part] = payload;
            publish((byte)part, payload);
        }
    }

    /// <summary>Takes what another speaker says.</summary>
    public void Heard(string node, byte part, ReadOnlySpan<byte> payload)
    {
        if (part >= MostParts || !AskersMessage.TryParse(payload, out var message))
            return;
        var clients = new List<SharedClient>();
        foreach (var entry in message)
            clients.Add(entry.AskerOfIPv4 is { } four
                ? new SharedClient(four.Mac, four.Address.ToIpAddress(), four.Target.ToIpAddress())
                : new SharedClient(entry.AskerOfIPv6!.Value.Mac, entry.AskerOfIPv6.Value.Address.ToIpAddress(), entry.AskerOfIPv6.Value.Target.ToIpAddress()));
        _heard[(node, part)] = clients;
        announcer.Learn(clients);
    }

    /// <summary>This node shares addresses that it did not before: what others said of their clients was of no use to it until now.</summary>
    /// <param name="cluster">The cluster's nodes; what others said is forgotten.</param>
    public void SharesChanged(IEnumerable<string> cluster)
    {
        if (_heard.Count == 0)
            return;
        var nodes = cluster.ToHashSet(StringComparer.Ordinal);
        foreach (var key in _heard.Keys.Where(key => !nodes.Contains(key.Node)).ToList())
            _heard.Remove(key);
        if (announcer.ClientsVersion is not null)
            announcer.Learn(_heard.Values.SelectMany(clients => clients));
    }

    // In an order of their own, so that a client that asks again changes nothing.
    private static List<byte[]> Write(IReadOnlyCollection<SharedClient> latest)
    {
        var parts = new List<byte[]>();
        var buffer = new byte[PeerRecord.MaxPayloadSize];
        var used = 0;
        foreach (var client in Most(latest).OrderBy(client => client.Target).ThenBy(client => client.Mac.Value))
        {
            var size = 0;
            while (!TryWrite(buffer.AsSpan(used), client, out size))
            {
                parts.Add(buffer[..used]);
                used = 0;
            }

            used += size;
        }

        if (used > 0)
            parts.Add(buffer[..used]);
        return parts;
    }

    private static IEnumerable<SharedClient> Most(IReadOnlyCollection<SharedClient> latest)
    {
        // Each part may end with room for less than one more.
        var room = MostParts * (PeerRecord.MaxPayloadSize - SizeOf(IpFamily.IPv6));
        return latest.TakeWhile(client => (room -= SizeOf(client.Target.Family)) >= 0);
    }

    private static int SizeOf(IpFamily family) => family is IpFamily.IPv4 ? AskersMessage.IPv4Size : AskersMessage.IPv6Size;

    private static bool TryWrite(Span<byte> destination, SharedClient client, out int size) => client.Target.IsIPv4
        ? AskersMessage.TryWriteEntry(destination, new Asker<IPv4>(client.Mac, client.Address.ToIPv4(), client.Target.ToIPv4()), out size)
        : AskersMessage.TryWriteEntry(destination, new Asker<IPv6>(client.Mac, client.Address.ToIPv6(), client.Target.ToIPv6()), out size);
}
