using System.Globalization;
using Portolan.Core.Addresses;
using Portolan.Rig;

namespace Portolan.Bench.Proxy.Packets;

/// <summary>Sends packets from inside the kernel and tells what one of them costs on its way: <c>bench/Proxy/Generator</c>, compiled when it is first needed.</summary>
internal static class PacketGenerator
{
    private static readonly string Sources = Path.Combine(Published.Tree, "bench", "Proxy", "Generator");
    private static readonly string Built = Path.Combine(Published.Tree, "artifacts", "bench");

    /// <summary>The path of one of its programs.</summary>
    public static string Program(string name) => Path.Combine(Built, name);

    /// <summary>Compiles it.</summary>
    /// <exception cref="InvalidOperationException">That failed.</exception>
    public static async Task BuildAsync()
    {
        Directory.CreateDirectory(Built);
        var (code, output) = await Command.RunAsync(
            $"cd '{Sources}' && clang -O2 -g -target bpf -I/usr/include/$(uname -m)-linux-gnu -c generator.bpf.c -o '{Built}/generator.bpf.o' && gcc -O2 -Wall generator.c -o '{Built}/generator' -lbpf && gcc -O2 -Wall connections.c -o '{Built}/connections' -lpthread");
        if (code != 0)
            throw new InvalidOperationException($"the packet generator cannot be compiled:\n{output}");
    }

    /// <summary>Sends packets of 60 bytes through either table in turn.</summary>
    /// <param name="lab">Where.</param>
    /// <param name="to">The first destination.</param>
    /// <param name="destinations">This many addresses from there on.</param>
    /// <param name="flows">What they are made of.</param>
    /// <param name="pairs">How often.</param>
    /// <param name="ours">The one table.</param>
    /// <param name="peers">The other: each sleeps while the other is measured.</param>
    /// <returns>The processor time of one packet, in nanoseconds.</returns>
    /// <exception cref="InvalidOperationException">Not all arrived.</exception>
    public static async Task<Pairs> SendAsync(PacketLab lab, IpAddress to, int destinations, PacketFlows flows, int pairs, string ours = PacketLab.Table, string peers = LeanRules.Table)
    {
        var (many, packets) = flows is PacketFlows.New ? (131_072, 4_000) : (256, 20_000);
        var (code, output) = await Command.RunAsync(
            $"'{Built}/generator' {lab.Client.Name} eth0 {lab.Node.Name} eth0 {to} {destinations} {Fleet.Port} {many} {packets} {pairs} {ours} {peers} {lab.Pod.Name} eth0",
            seconds: 600);
        if (code != 0)
            throw new InvalidOperationException($"the packet generator ended with {code}: {output}");
        var measured = new Pairs();
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            measured.Add(double.Parse(line.AsSpan(0, space), CultureInfo.InvariantCulture), double.Parse(line.AsSpan(space), CultureInfo.InvariantCulture));
        }

        return measured;
    }
}

/// <summary>Of which flows packets are.</summary>
internal enum PacketFlows
{
    /// <summary>Of 256 known ones.</summary>
    Established,

    /// <summary>Each is the first of its own.</summary>
    New,
}
