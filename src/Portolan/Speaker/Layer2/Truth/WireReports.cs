using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>
/// What speakers tell each other of the wire: the hardware addresses of their nodes, so that nobody takes one of them for a stranger, and what they
/// found when they asked. One caller at a time.
/// </summary>
internal sealed class WireReports
{
    // More interfaces than a node announces on.
    private const int MostMacs = 32;

    private readonly Dictionary<string, (MacAddress[] Macs, QueryFinding[] Findings)> _others = new(StringComparer.Ordinal);
    private readonly Dictionary<MacAddress, string> _nodes = [];

    /// <summary>The node of another speaker that has this hardware address, or null.</summary>
    public string? NodeOf(MacAddress mac) => _nodes.GetValueOrDefault(mac);

    /// <summary>Whether another speaker found anything.</summary>
    public IEnumerable<(string Node, QueryFinding Finding)> Others =>
        _others.SelectMany(other => other.Value.Findings.Select(finding => (other.Key, finding)));

    /// <summary>Another speaker's record: replaces its former one. One that cannot be read, or an empty one, takes it back.</summary>
    public void On(string node, ReadOnlySpan<byte> payload)
    {
        if (_others.Remove(node, out var before))
            foreach (var mac in before.Macs)
                if (_nodes.GetValueOrDefault(mac) == node)
                    _nodes.Remove(mac);
        if (payload.IsEmpty || !WireMessage.TryParse(payload, out var message))
            return;
        var macs = new List<MacAddress>();
        var answers = new Dictionary<IpAddress, List<MacAddress>>();
        foreach (var entry in message)
        {
            switch (entry.Type)
            {
                case WireEntryType.OwnMac when macs.Count < MostMacs && !entry.Mac.IsGroup && !entry.Mac.IsZero:
                    macs.Add(entry.Mac);
                    _nodes[entry.Mac] = node;
                    break;
                case WireEntryType.Silence:
                    answers[IpAddress.Read(entry.Address)] = [];
                    break;
                case WireEntryType.Answer:
                    var address = IpAddress.Read(entry.Address);
                    if (!answers.TryGetValue(address, out var known))
                        answers[address] = known = [];
                    known.Add(entry.Mac);
                    break;
            }
        }

        _others[node] = ([.. macs], [.. answers.Select(entry => new QueryFinding(entry.Key, entry.Value))]);
    }

    /// <summary>This speaker's record: what there is no room for is left out.</summary>
    public static byte[] Write(IEnumerable<MacAddress> macs, IEnumerable<QueryFinding> findings)
    {
        var payload = new byte[PeerRecord.MaxPayloadSize];
        var size = 0;
        foreach (var mac in macs.Take(MostMacs))
            Add(WireEntryType.OwnMac, mac, []);
        Span<byte> bytes = stackalloc byte[16];
        foreach (var finding in findings.OrderBy(finding => finding.Address))
        {
            finding.Address.WriteTo(bytes);
            var address = bytes[..finding.Address.Size];
            if (finding.IsSilence)
                Add(WireEntryType.Silence, default, address);
            foreach (var mac in finding.Answers)
                Add(WireEntryType.Answer, mac, address);
        }

        return payload[..size];

        void Add(WireEntryType type, MacAddress mac, ReadOnlySpan<byte> address)
        {
            if (WireMessage.TryWriteEntry(payload.AsSpan(size), type, mac, address, out var written))
                size += written;
        }
    }
}
