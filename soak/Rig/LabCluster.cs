using System.Diagnostics;

namespace Portolan.Rig;

/// <summary>A lab of the published executables with Portolan installed, gone when disposed.</summary>
internal sealed class LabCluster : IAsyncDisposable
{
    public const string ControlAddress = "192.168.100.10";
    private static readonly string Program = Published.Binary("portolan");
    private readonly Dictionary<string, string> _hosts = new(StringComparer.OrdinalIgnoreCase);

    private LabCluster(string name, int nodes) => (Name, Nodes) = (name, [.. Enumerable.Range(1, nodes).Select(number => $"node{number}")]);

    public string Name { get; }

    public IReadOnlyList<string> Nodes { get; }

    /// <summary>The credential of the administrator, as a file.</summary>
    public string Kubeconfig { get; private set; } = "";

    /// <summary>Makes the lab and waits until it works. One of that name is taken away before.</summary>
    /// <param name="name">The lab's.</param>
    /// <param name="nodes">How many it has.</param>
    /// <param name="options">More options of <c>lab up</c>.</param>
    public static async Task<LabCluster> UpAsync(string name, int nodes = 3, string options = "")
    {
        var lab = new LabCluster(name, nodes);
        await lab.DoAsync("down");
        try
        {
            await lab.DoAsync("up", $"--nodes {nodes} {options}");
            lab.Kubeconfig = (await lab.DoAsync("kubeconfig")).Trim();
            foreach (var node in lab.Nodes)
                lab._hosts[await lab.MacAsync(node)] = node;
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>The network namespace of a host.</summary>
    public string Namespace(string host) => $"portolan-{Name}-{host}";

    /// <summary><c>192.168.100.100</c> is the first node's.</summary>
    public static string AddressOf(string node) => $"192.168.100.{99 + int.Parse(node.AsSpan("node".Length), System.Globalization.CultureInfo.InvariantCulture)}";

    /// <summary>The node with that hardware address; null when it is none's.</summary>
    public string? NodeOf(string mac) => _hosts.GetValueOrDefault(mac);

    /// <summary>A command of the lab.</summary>
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public Task<string> DoAsync(string verb, string arguments = "") => MustAsync($"exec {Program} lab {verb} --name {Name} {arguments}");

    /// <summary>Whether <c>lab status</c> finds everything well.</summary>
    public async Task<bool> IsWellAsync() => (await Command.RunAsync($"exec {Program} lab status --name {Name}")).ExitCode == 0;

    public Task<string> KubectlAsync(string arguments) => MustAsync($"KUBECONFIG={Kubeconfig} kubectl {arguments}");

    public Task ApplyAsync(string manifest) => KubectlAsync($"apply -f - <<'EOF'\n{manifest}\nEOF");

    /// <summary>Starts a program on a host; the process is the program's own, and the host's end is its end. What it prints is to be read.</summary>
    public Process Start(string host, string command) => Command.Start($"exec {Program} lab exec --name {Name} {host} -- {command}");

    /// <summary>Who has an address in the eyes of a host that has talked to it lately: by its neighbour table.</summary>
    public async Task<string?> HolderAsync(string address, string host = "client")
    {
        var (_, output) = await Command.RunAsync($"ip -n {Namespace(host)} neigh show {address} dev eth0");
        var words = output.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return Array.IndexOf(words, "lladdr") is >= 0 and var at ? NodeOf(words[at + 1]) : null;
    }

    /// <summary>Waits for something that happens by itself.</summary>
    /// <exception cref="InvalidOperationException">It does not.</exception>
    public static async Task UntilAsync(Func<Task<bool>> isSo, string what, int seconds = 60)
    {
        for (var clock = Stopwatch.StartNew(); !await isSo(); await Task.Delay(100))
            if (clock.Elapsed.TotalSeconds > seconds)
                throw new InvalidOperationException($"{what}: not within {seconds} s");
    }

    public async ValueTask DisposeAsync() => await DoAsync("down");

    private async Task<string> MacAsync(string host)
    {
        var words = (await MustAsync($"ip -n {Namespace(host)} -o link show eth0")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words[Array.IndexOf(words, "link/ether") + 1];
    }

    private static async Task<string> MustAsync(string line)
    {
        var (code, output) = await Command.RunAsync(line, seconds: 180);
        return code == 0 ? output : throw new InvalidOperationException($"{line}\nended with {code}:\n{output}");
    }
}
