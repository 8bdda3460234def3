using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Portolan.Rig;

namespace Portolan.Soak.Layer2;

/// <summary>The announcers to compare with, one on each node: <c>bench/Layer2/memberlist</c>, compiled when it is first needed.</summary>
internal sealed class MemberlistPeers : IAsyncDisposable
{
    private static readonly string Program = Path.Combine(Published.Tree, "artifacts", "bench", "announcer");
    private readonly LabCluster _lab;
    private readonly string _arguments;
    private readonly Dictionary<string, Process> _processes = [];
    private readonly ConcurrentDictionary<string, int> _members = [];

    private MemberlistPeers(LabCluster lab, IEnumerable<string> addresses) =>
        (_lab, _arguments) = (lab, $"eth0 {string.Join(',', addresses)} {string.Join(',', lab.Nodes.Select(LabCluster.AddressOf))}");

    /// <summary>Every one of them sees all of them.</summary>
    public bool AreWhole => _lab.Nodes.All(node => _members.GetValueOrDefault(node) == _lab.Nodes.Count);

    /// <summary>Compiles and starts them.</summary>
    /// <returns>Null where there is no Go or no memberlist: then there is nothing to compare with.</returns>
    public static async Task<MemberlistPeers?> StartAsync(LabCluster lab, IEnumerable<string> addresses)
    {
        if (!await BuildAsync())
            return null;
        var peers = new MemberlistPeers(lab, addresses);
        foreach (var node in lab.Nodes)
            await peers.RestartAsync(node);
        await LabCluster.UntilAsync(() => Task.FromResult(peers.AreWhole), "the memberlist announcers see each other");
        return peers;
    }

    /// <summary>Ends the one of a node where it still runs, and starts it anew: it joins at once.</summary>
    public async Task RestartAsync(string node)
    {
        await EndAsync(node);
        _members[node] = 0;
        var process = _lab.Start(node, $"{Program} {node} {LabCluster.AddressOf(node)} {_arguments}");
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.Split(' ') is ["members", var number])
                _members[node] = int.Parse(number, CultureInfo.InvariantCulture);
        };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } words)
                Console.Error.WriteLine($"memberlist announcer on {node}: {words}");
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes[node] = process;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _lab.Nodes)
            await EndAsync(node);
    }

    private async Task EndAsync(string node)
    {
        if (!_processes.Remove(node, out var process))
            return;
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static async Task<bool> BuildAsync()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Program)!);
        var sources = Path.Combine(Published.Tree, "bench", "Layer2", "memberlist");
        var cache = Path.Combine(Published.Tree, "artifacts", "bench", "go-cache");
        var (code, output) = await Command.RunAsync(
            $"command -v go && [ -d /usr/share/gocode/src/github.com/hashicorp/memberlist ] || exit 3; cd '{sources}' && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE='{cache}' CGO_ENABLED=0 go build -o '{Program}' announcer.go",
            seconds: 300);
        if (code == 3)
        {
            Console.WriteLine("memberlist     not compared: no golang-go or golang-github-hashicorp-memberlist-dev on this machine");
            return false;
        }

        return code == 0 ? true : throw new InvalidOperationException($"the memberlist announcer cannot be compiled:\n{output}");
    }
}
