using System.Diagnostics;
using System.Globalization;
using Portolan.Core.Addresses;
using Portolan.Rig;

namespace Portolan.Bench.Proxy.Packets;

/// <summary>
/// The processor time of one short TCP connection, both ends and everything between them: straight to the pod, through our table with 10,000 Services, and
/// through haproxy, in turn. Only ours has rules, and connection tracking, on its way.
/// </summary>
internal static class ConnectionsBenchmark
{
    private const int Rounds = 21;
    private const int Connections = 1_000;
    private const int ProxyPort = 8081;
    private static readonly Fleet Fleet = new(10_000, 3);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        await PacketGenerator.BuildAsync();
        using var plain = new PacketLab();
        using var ours = new PacketLab();
        plain.PrepareSockets();
        ours.PrepareSockets();
        ours.LoadOurs(Fleet);
        var (pod, node) = (Fleet.Endpoint(0, 0), IpAddress.Parse("192.0.2.1"));
        var isNoisy = await Neighbours.AreNoisyAsync();
        using var haproxy = await StartAsync(plain, pod);
        try
        {
            Pairs direct = new(), peer = new();
            for (var round = 0; round < Rounds; round++)
            {
                var straight = await AskAsync(plain, pod, Fleet.EndpointPort);
                var through = await AskAsync(ours, Fleet.ClusterIP(0), Fleet.Port);
                var used = ProcessFigures.ProcessorSeconds(haproxy.Id);
                var relayed = await AskAsync(plain, node, ProxyPort);
                relayed += (ProcessFigures.ProcessorSeconds(haproxy.Id) - used) * 1e6 / Connections;
                direct.Add(through, straight);
                peer.Add(through, relayed);
            }

            yield return Figure.Of("proxy-connections beside the direct path", direct, "µs", null, isNoisy);
            yield return Figure.Of("proxy-connections beside haproxy", peer, "µs", null, isNoisy);
        }
        finally
        {
            haproxy.Kill();
            await haproxy.WaitForExitAsync();
        }
    }

    /// <returns>Microseconds of a connection.</returns>
    private static async Task<double> AskAsync(PacketLab lab, IpAddress to, int port)
    {
        var (code, output) = await Command.RunAsync(
            $"'{PacketGenerator.Program("connections")}' {lab.Client.Name} {to} {port} {lab.Pod.Name} {Fleet.EndpointPort} {Connections}");
        return code == 0 ? double.Parse(output, CultureInfo.InvariantCulture) / 1000 : throw new InvalidOperationException($"connections to {to} ended with {code}: {output}");
    }

    private static async Task<Process> StartAsync(PacketLab lab, IpAddress pod)
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture, $$"""
            global
              nbthread 1
            defaults
              mode tcp
              timeout connect 10s
              timeout client 10s
              timeout server 10s
            listen web
              bind 192.0.2.1:{{ProxyPort}}
              server pod {{pod}}:{{Fleet.EndpointPort}}

            """));
        var process = Process.Start(lab.Node.Command("haproxy", "-db", "-f", file))!;
        await Task.Delay(1000); // it has read the file, and listens
        File.Delete(file);
        return process;
    }
}
