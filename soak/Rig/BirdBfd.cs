using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Portolan.Rig;

/// <summary>BIRD with BFD sessions over one hop and nothing else. It is known by its log, whose instants are exact to microseconds.</summary>
/// <param name="where">Its network namespace.</param>
/// <param name="sessions">Its own address and the other side's, of each.</param>
/// <param name="milliseconds">The interval both ways.</param>
/// <param name="multiplier">So many of them in silence end a session.</param>
/// <param name="realTime">Whether it is scheduled in real time, as we are: what it finds missing on a busy machine is not its own fault then.</param>
internal sealed partial class BirdBfd(NetworkNamespace where, IReadOnlyList<(string Local, string Peer)> sessions, int milliseconds, int multiplier, bool realTime = false) : IBfdSide
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bird-").FullName;
    private Process? _process;

    /// <inheritdoc/>
    public int Id => _process?.Id ?? throw new InvalidOperationException("not started");

    /// <inheritdoc/>
    public IReadOnlyList<BfdChange> Changes => [.. ReadLog().Select(Change).OfType<BfdChange>()];

    private string Log => Path.Combine(_folder, "log");

    public void Start()
    {
        File.WriteAllText(Path.Combine(_folder, "bird.conf"), $$"""
            router id {{sessions[0].Local}};
            log "{{Log}}" all;
            timeformat log iso long us;
            protocol device {}
            protocol bfd them {
              debug { events };
              interface "*" { min rx interval {{milliseconds}} ms; min tx interval {{milliseconds}} ms; idle tx interval 200 ms; multiplier {{multiplier}}; };
            {{string.Join('\n', sessions.Select(session => $"  neighbor {session.Peer} dev \"eth0\" local {session.Local};"))}}
            }

            """);
        var start = where.Command([.. realTime ? (string[])["chrt", "-f", "40"] : [], "bird", "-f", "-c", $"{_folder}/bird.conf", "-s", $"{_folder}/ctl"]);
        start.Environment["TZ"] = "UTC";
        _process = Process.Start(start)!;
    }

    /// <summary>Without a word. Returns when it is gone.</summary>
    public void Kill()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
    }

    public void Dispose()
    {
        Kill();
        Directory.Delete(_folder, recursive: true);
    }

    private string[] ReadLog()
    {
        // BIRD holds it open.
        if (!File.Exists(Log))
            return [];
        using var file = new StreamReader(new FileStream(Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return file.ReadToEnd().Split('\n')[..^1];
    }

    private static BfdChange? Change(string line) =>
        ChangeLine().Match(line) is { Success: true } match && (match.Groups[3].Value == "Up") != (match.Groups[4].Value == "Up")
            ? new BfdChange(
                DateTime.ParseExact(match.Groups[1].Value, "yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
                match.Groups[2].Value, match.Groups[4].Value == "Up")
            : null;

    [GeneratedRegex(@"^(\S+ \S+) .*Session to (\S+) changed state from (\w+) to (\w+)")]
    private static partial Regex ChangeLine();
}
