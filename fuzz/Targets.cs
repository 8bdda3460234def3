namespace Portolan.Fuzz;

/// <summary>What can be fuzzed.</summary>
public static class Targets
{
    /// <summary>By their names on the command line.</summary>
    public static IReadOnlyList<string> Names { get; } = ["paths", "bodies", "patches", "watch", "websocket", "spdy", "cel", "arp", "ndp", "bfd", "bgp", "peers"];

    internal static async Task<FuzzTarget> StartAsync(string name)
    {
        switch (name)
        {
            case "arp": return PacketTargets.Arp();
            case "ndp": return PacketTargets.Ndp();
            case "peers": return PacketTargets.Peers();
            case "bfd": return BfdTarget.Create();
            case "bgp": return BgpTarget.Create();
        }

        var server = await ServerProcess.StartAsync();
        return name switch
        {
            "paths" => new RequestTarget(server, RequestPart.Target),
            "watch" => new RequestTarget(server, RequestPart.Target),
            "bodies" or "patches" => new RequestTarget(server, RequestPart.Body),
            "cel" => new CelTarget(server),
            "websocket" => new StreamTarget(server, spdy: false),
            _ => new StreamTarget(server, spdy: true),
        };
    }
}
