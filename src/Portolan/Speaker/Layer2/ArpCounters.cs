using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2;

/// <summary>MetalLB's counters of ARP per address. Counting a packet allocates nothing; they are put into words when somebody scrapes.</summary>
internal sealed class ArpCounters
{
    private readonly ConcurrentDictionary<IPv4, Cell> _cells = new();

    public ArpCounters(Meter meter)
    {
        meter.CreateObservableCounter("metallb_layer2_requests_received", () => Read(cell => cell.Requests), description: "ARP requests received for an address this node announces.");
        meter.CreateObservableCounter("metallb_layer2_responses_sent", () => Read(cell => cell.Responses), description: "ARP answers sent.");
        meter.CreateObservableCounter("metallb_layer2_gratuitous_sent", () => Read(cell => cell.Gratuitous), description: "Gratuitous ARP packets sent.");
    }

    public void Request(IPv4 address) => Interlocked.Increment(ref Of(address).Requests);

    public void Response(IPv4 address) => Interlocked.Increment(ref Of(address).Responses);

    public void Gratuitous(IPv4 address) => Interlocked.Increment(ref Of(address).Gratuitous);

    private Cell Of(IPv4 address) => _cells.GetOrAdd(address, static _ => new Cell());

    private IEnumerable<Measurement<long>> Read(Func<Cell, long> value) =>
        _cells.Select(entry => new Measurement<long>(value(entry.Value), new KeyValuePair<string, object?>("ip", entry.Key.ToString())));

    private sealed class Cell
    {
        public long Requests;
        public long Responses;
        public long Gratuitous;
    }
}
