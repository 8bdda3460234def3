using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>Runs of <c>run.py</c> in which <c>custom</c> is the speaker's loop, compiled to native code as the speaker is (<c>bench/Bgp/Announcer</c>).</summary>
internal sealed class AnnouncerTrial
{
    private const int BuildSeconds = 1800;
    private static readonly string Built = Path.Combine(Published.Tree, "artifacts", "bench", "bgp-announcer");

    private AnnouncerTrial()
    {
    }

    /// <summary>Compiles the announcer where it is older than what it is made of.</summary>
    /// <exception cref="InvalidOperationException">That failed.</exception>
    public static async Task<AnnouncerTrial> CreateAsync()
    {
        var platform = RuntimeInformation.OSArchitecture is Architecture.Arm64 ? "linux-arm64" : "linux-x64";
        await Console.Error.WriteLineAsync("==> compiling the BGP announcer to native code");
        var (code, output) = await Command.RunAsync(
            $"cd '{Published.Tree}' && dotnet publish bench/Bgp/Announcer -c Release -r {platform} -o '{Built}' -nologo -v q -clp:ErrorsOnly", BuildSeconds);
        return code == 0 ? new AnnouncerTrial() : throw new InvalidOperationException($"the announcer cannot be compiled:\n{output}");
    }

    /// <summary>Runs it.</summary>
    /// <param name="isIPv6">What our announcer announces.</param>
    /// <param name="arguments">What to measure.</param>
    /// <exception cref="InvalidOperationException">It measured nothing.</exception>
    public async Task<Measurements> RunAsync(bool isIPv6, params string[] arguments)
    {
        var table = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true };
            foreach (var argument in (string[])
                [
                    Path.Combine(Published.Tree, "bench", "Bgp", "run.py"), "-o", table, "--custom",
                    $"'{Built}/Portolan.Bench.Announcer' {{n}} {{peers}} {{mode}}{(isIPv6 ? " 6" : "")}", .. arguments, .. isIPv6 ? (string[])["-6"] : [],
                ])
                start.ArgumentList.Add(argument);
            using var run = Process.Start(start)!;
            var said = await run.StandardOutput.ReadToEndAsync();
            await run.WaitForExitAsync();
            var lines = await File.ReadAllLinesAsync(table);
            return lines.Length > 1 ? new Measurements(lines) : throw new InvalidOperationException($"run.py {string.Join(' ', arguments)} measured nothing:\n{said}");
        }
        finally
        {
            File.Delete(table);
        }
    }
}

/// <summary>The table that <c>run.py</c> wrote.</summary>
/// <param name="lines">Of its CSV.</param>
internal sealed class Measurements(string[] lines)
{
    private readonly List<Dictionary<string, string>> _rows =
        [.. lines.Skip(1).Select(line => lines[0].Split(',').Zip(line.Split(','), KeyValuePair.Create).ToDictionary(StringComparer.Ordinal))];

    /// <summary>The median of a field of a kind of announcer.</summary>
    /// <exception cref="InvalidOperationException">It was not measured.</exception>
    public double Median(string kind, string field)
    {
        var values = _rows.Where(row => row["kind"] == kind && row.GetValueOrDefault(field) is { Length: > 0 }).Select(row => double.Parse(row[field], CultureInfo.InvariantCulture)).Order().ToList();
        return values.Count == 0 ? throw new InvalidOperationException($"{kind} was not measured") : values[values.Count / 2];
    }
}
