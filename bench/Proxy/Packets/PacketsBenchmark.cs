using System.Globalization;
using Portolan.Core.Addresses;

namespace Portolan.Bench.Proxy.Packets;

/// <summary>
/// The processor time of one forwarded packet, through our table and through the leanest rules that somebody could write by hand, in turn: to a ClusterIP, to a
/// load balancer's address (whose clients are hidden), to a ClusterIP with session affinity, to a load balancer's address with source ranges.
/// </summary>
internal static class PacketsBenchmark
{
    private const double Goal = 1.05;
    private const int Endpoints = 3;
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("PORTOLAN_BENCH_PAIRS") ?? "101", CultureInfo.InvariantCulture);
    private static readonly string Only = Environment.GetEnvironmentVariable("PORTOLAN_BENCH_ONLY") ?? ""; // figures with this in their names

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        await PacketGenerator.BuildAsync();
        foreach (var services in (int[])[1, 10_000])
        {
            var plain = new Fleet(services, Endpoints) { Protocol = Core.Cluster.Protocol.Udp };
            foreach (var (fleet, front, to) in ((Fleet, string, IpAddress)[])
                [
                    (plain, "ClusterIP", Fleet.ClusterIP(0)),
                    (plain, "VIP", Fleet.Vip(0)),
                    (plain with { AffinitySeconds = 10_800 }, "affinity", Fleet.ClusterIP(0)),
                    (plain with { HasSourceRanges = true }, "source ranges", Fleet.Vip(0)),
                ])
            {
                using var lab = new PacketLab();
                lab.Load(fleet);
                foreach (var flows in Enum.GetValues<PacketFlows>())
                {
                    var name = $"proxy-packets {front}, {services:n0}, {(flows is PacketFlows.New ? "new" : "known")} flows";
                    if (!name.Contains(Only, StringComparison.Ordinal))
                        continue;
                    var isNoisy = await Neighbours.AreNoisyAsync();
                    yield return Figure.Of(name, await PacketGenerator.SendAsync(lab, to, services, flows, Rounds), "ns", Goal, isNoisy);
                }
            }
        }
    }
}
