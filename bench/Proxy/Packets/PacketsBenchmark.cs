using System.Globalization;

namespace Portolan.Bench.Proxy.Packets;

/// <summary>The processor time of one forwarded packet, through our table and through the leanest rules that somebody could write by hand, in turn.</summary>
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
            using var lab = new PacketLab();
            lab.Load(new Fleet(services, Endpoints) { Protocol = Core.Cluster.Protocol.Udp });
            foreach (var isVip in (bool[])[false, true])
            foreach (var flows in Enum.GetValues<PacketFlows>())
            {
                var name = $"proxy-packets {(isVip ? "VIP" : "ClusterIP")}, {services:n0} Services, {(flows is PacketFlows.New ? "new" : "known")} flows";
                if (!name.Contains(Only, StringComparison.Ordinal))
                    continue;
                var isNoisy = await Neighbours.AreNoisyAsync();
                var pairs = await PacketGenerator.SendAsync(lab, isVip ? Fleet.Vip(0) : Fleet.ClusterIP(0), services, flows, Rounds);
                yield return Figure.Of(name, pairs, "ns", Goal, isNoisy);
            }
        }
    }
}
