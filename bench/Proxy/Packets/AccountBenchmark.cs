using System.Globalization;
using Portolan.Proxy.Accounting;

namespace Portolan.Bench.Proxy.Packets;

/// <summary>The processor time of one forwarded packet with <c>--account</c> and, as the peer, without, in turn.</summary>
internal static class AccountBenchmark
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("PORTOLAN_BENCH_PAIRS") ?? "101", CultureInfo.InvariantCulture);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        await PacketGenerator.BuildAsync();
        foreach (var services in (int[])[1, 10_000])
        {
            using var lab = new PacketLab();
            lab.LoadAccounted(new Fleet(services, 3) { Protocol = Core.Cluster.Protocol.Udp });
            foreach (var flows in Enum.GetValues<PacketFlows>())
            {
                var isNoisy = await Neighbours.AreNoisyAsync();
                var pairs = await PacketGenerator.SendAsync(lab, Fleet.ClusterIP(0), services, flows, Rounds, AccountShape.Table, PacketLab.Nothing);
                yield return Figure.Of($"proxy-account, {services:n0} Services, {(flows is PacketFlows.New ? "new" : "known")} flows", pairs, "ns", null, isNoisy);
            }
        }
    }
}
