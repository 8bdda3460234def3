using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Portolan.Core.Addresses;

namespace Portolan.Speaker.Layer2;

/// <summary>MetalLB's counters of ARP and neighbour discovery per address. Counting a packet allocates nothing; they are put into words when somebody scrapes.</summary>
internal sealed class Layer2Counters
{
    private readonly ConcurrentDictionary<IpAddress, Cell> _cells = new();

    public Layer2Counters(Meter meter)
    {
        meter.CreateObservableCounter("metallb_layer2_requests_received", () => Read(cell => cell.Requests), description: "ARP requests and neighbour solicitations received for an address this node announces.");
        meter.CreateObservableCounter("metallb_layer2_responses_sent", () => Read(cell => cell.Responses), description: "ARP answers and solicited neighbour advertisements sent.");
        meter.CreateObservableCounter("metallb_layer2_gratuitous_sent", () => Read(cell => cell.Gratuitous), description: "Gratuitous ARP packets and unsolicited neighbour advertisements sent.");
    }

    public void Request(IpAddress address) => Interlocked.Increment(ref Of(address).Requests);

    public void Response(IpAddress address) => Interlocked.Increment(ref Of(address).Responses);

    public void Gratuitous(IpAddress address) => Interlocked.Increment(ref Of(address).Gratuitous);

    private Cell Of(IpAddress address) => _cells.GetOrAdd(address, static _ => new Cell());

    private IEnumerable<Measurement<long>> Read(Func<Cell, long> value) =>
        _cells.Select(entry => new Measurement<long>(value(entry.Value), new KeyValuePair<string, object?>("ip", entry.Key.ToString())));

    private sealed class Cell
    {
        public long Requests;
        public long Responses;
        public long Gratuitous;
    }
}
