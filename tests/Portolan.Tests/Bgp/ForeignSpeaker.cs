using System.Collections.Concurrent;
using System.Diagnostics;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>How somebody else's BGP is to speak with us.</summary>
internal sealed record Peering(string Local, string Peer, uint LocalAsn, uint PeerAsn)
{
    public string Password { get; init; } = "";

    public int HoldTime { get; init; } = 90;

    /// <summary>It checks the TTL of what it receives (RFC 5082).</summary>
    public bool TtlSecurity { get; init; }

    /// <summary>It waits for us to connect.</summary>
    public bool Waits { get; init; } = true;

    /// <summary>It has no capabilities at all, so AS numbers of two bytes only. FRR alone can be told so.</summary>
    public bool IsOld { get; init; }

    /// <summary>The session needs BFD, five packets at 300 ms. BIRD and FRR have that.</summary>
    public bool Bfd { get; init; }

    /// <summary>Only its interface is told to it.</summary>
    public bool Unnumbered { get; init; }

    /// <summary>Which that is.</summary>
    public string Interface { get; init; } = "eth0";

    public bool IsIPv4 => Peer.Contains('.', StringComparison.Ordinal);
}

/// <summary>A route as somebody else has it in his table.</summary>
internal sealed record ForeignRoute(string Path, string NextHop, uint? Med, uint? LocalPref, string Communities, string Large, string Extended);

/// <summary>Somebody else's BGP in a namespace, with one session to us, that takes every route.</summary>
internal abstract class ForeignSpeaker : IDisposable
{
    private readonly List<Process> _processes = [];
    private readonly ConcurrentQueue<string> _lines = new();

    protected ForeignSpeaker(NetworkNamespace where, Peering peering)
    {
        (Where, Peering) = (where, peering);
        // Some become another user, and keep their sockets here.
        File.SetUnixFileMode(Folder, (UnixFileMode)0x1ff);
    }

    protected NetworkNamespace Where { get; }

    protected Peering Peering { get; private set; }

    protected string Folder { get; } = Directory.CreateTempSubdirectory("bgp-foreign").FullName;

    /// <summary>What it said about itself.</summary>
    public virtual string Log => string.Join('\n', _lines);

    /// <summary>How it writes a link bandwidth of 125 MB/s of AS_TRANS; empty: it keeps none.</summary>
    public abstract string LinkBandwidth { get; }

    public static ForeignSpeaker Create(string name, NetworkNamespace where, Peering peering)
    {
        var (program, package) = name switch
        {
            "bird" => ("/usr/sbin/bird", "bird2"),
            "frr" => ("/usr/lib/frr/bgpd", "frr"),
            "gobgp" => ("/usr/bin/gobgpd", "gobgpd"),
            "exabgp" => ("/usr/sbin/exabgp", "exabgp"),
            "openbgpd" => ("/usr/sbin/bgpd", "openbgpd"),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
        Assert.SkipUnless(File.Exists(program), $"needs the package {package}");
        return name switch
        {
            "bird" => new BirdSpeaker(where, peering),
            "frr" => new FrrSpeaker(where, peering),
            "gobgp" => new GoBgpSpeaker(where, peering),
            "exabgp" => new ExaBgpSpeaker(where, peering),
            _ => new OpenBgpdSpeaker(where, peering),
        };
    }

    /// <summary>Begins.</summary>
    public abstract void Start();

    /// <summary>The route that it has from us, or null.</summary>
    public abstract ForeignRoute? Find(string prefix);

    /// <summary>Has it ask for everything anew.</summary>
    public abstract void AskAgain();

    /// <summary>Waits until it has a route that is as wanted.</summary>
    public ForeignRoute Await(string prefix, Func<ForeignRoute, bool>? wanted = null)
    {
        ForeignRoute? found = null;
        Patience.Until(() => (found = Find(prefix)) is not null && wanted?.Invoke(found) is not false, () => $"{prefix} is {found}\n{Log}");
        return found!;
    }

    /// <summary>Waits until it has no such route.</summary>
    public void AwaitGone(string prefix) => Patience.Until(() => Find(prefix) is null, () => $"{prefix} is still there: {Find(prefix)}\n{Log}");

    /// <summary>Waits until it has said something.</summary>
    public void AwaitSaid(string text) => Patience.Until(() => Log.Contains(text, StringComparison.OrdinalIgnoreCase), () => $"it never said \"{text}\":\n{Log}");

    /// <summary>Has it speak with us again at once: some make a long pause after an error.</summary>
    public virtual void TryAgain()
    {
        // Most try again soon.
    }

    /// <summary>All of it stands still, or goes on.</summary>
    public void Freeze(bool whether)
    {
        foreach (var process in _processes)
            NetworkNamespace.Run("kill", $"-{(whether ? "STOP" : "CONT")} {string.Join(' ', Family(process.Id))}");
    }

    /// <summary>Ends it without a word.</summary>
    public void Kill()
    {
        foreach (var process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        _processes.Clear();
    }

    public void Dispose()
    {
        Kill();
        // Its children may still be on their way out.
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
            Thread.Sleep(200);
            Directory.Delete(Folder, recursive: true);
        }
    }

    // Some speak from a child.
    private static List<int> Family(int process)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.GetDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), out var id))
                try
                {
                    // The name, in parentheses, may hold anything.
                    parents[id] = int.Parse(File.ReadAllText($"{folder}/stat").Split(')')[^1].Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture);
                }
                catch (IOException)
                {
                    // It has just ended.
                }

        List<int> family = [process];
        for (var i = 0; i < family.Count; i++)
            family.AddRange(parents.Where(entry => entry.Value == family[i]).Select(entry => entry.Key));
        return family;
    }

    protected void Run(string command)
    {
        var process = Process.Start(new ProcessStartInfo("ip", $"netns exec {Where.Name} {command}") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);

        void Take(object? _, DataReceivedEventArgs line)
        {
            if (line.Data is { } text)
                _lines.Enqueue(text);
        }
    }

    /// <summary>Writes a file that nobody else may read, as some insist on.</summary>
    protected string Write(string name, string text)
    {
        var path = $"{Folder}/{name}";
        File.WriteAllText(path, text);
        return path;
    }

    protected static string Ask(string program, string arguments)
    {
        try
        {
            return NetworkNamespace.Run(program, arguments);
        }
        catch (InvalidOperationException)
        {
            return ""; // it is not there (yet)
        }
    }
}
