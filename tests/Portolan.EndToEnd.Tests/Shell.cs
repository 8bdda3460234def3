using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>What a finished command said.</summary>
internal sealed record Outcome(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>Both streams, as a user at a terminal would see them.</summary>
    public string All => Output + Error;

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public Outcome Succeeds()
    {
        Assert.True(ExitCode == 0, $"{Command}\nended with {ExitCode}\n{All}");
        return this;
    }

    public Outcome Fails()
    {
        Assert.True(ExitCode != 0, $"{Command}\nshould have failed\n{All}");
        return this;
    }
}

/// <summary>Real commands, with a bound on their time.</summary>
internal static class Shell
{
    public static Outcome Run(string command, IReadOnlyDictionary<string, string>? environment = null, int seconds = 60) =>
        RunAsync(command, environment, seconds).GetAwaiter().GetResult();

    public static async Task<Outcome> RunAsync(string command, IReadOnlyDictionary<string, string>? environment = null, int seconds = 60)
    {
        using var process = Start(command, environment);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(bound.Token);
            // A process that left a background child keeps the pipes open: what it printed itself is there already.
            await Task.WhenAny(Task.WhenAll(output, error), Task.Delay(TimeSpan.FromSeconds(5), bound.Token));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command}\ndid not end within {seconds} s");
        }

        return new Outcome(command, process.ExitCode, output.IsCompletedSuccessfully ? await output : "", error.IsCompletedSuccessfully ? await error : "");
    }

    public static Process Start(string command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            WorkingDirectory = Repository.Root,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Waits for something that happens by itself; on failure says what it saw last.</summary>
    public static async Task<T> EventuallyAsync<T>(Func<Task<T>> look, Func<T, bool> isSo, int seconds, string what)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var seen = await look();
            if (isSo(seen))
                return seen;
            if (clock.Elapsed.TotalSeconds > seconds)
                Assert.Fail($"{what}: not within {seconds} s; last seen:\n{seen}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }
}

/// <summary>Where the tree and its executables are.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Binaries => Path.Combine(Root, "artifacts", "bin");

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Portolan.slnx")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("the tests run outside the tree");
        return directory;
    }
}

/// <summary>The kubectl binaries of this machine: a dispatcher has the versioned ones beside its real file.</summary>
internal static class Kubectls
{
    public static IReadOnlyList<string> All { get; } = Find();

    /// <summary>The one a user gets by typing kubectl.</summary>
    public static string Default => All[0];

    /// <summary>From 1.25 on kubectl asks the server to refuse unknown fields; before, it looks for them itself, and says only the last part of the path.</summary>
    public static string Wording(string expected) => expected.StartsWith("unknown field", StringComparison.Ordinal) && !_asksForFieldValidation.Value
        ? $"unknown field \"{expected[(expected.LastIndexOf('.') + 1)..]}" : expected;

    private static readonly Lazy<bool> _asksForFieldValidation = new(() =>
        Regex.Match(Shell.Run($"{Default} version --client -o json").Output, "\"minor\": \"(\\d+)") is { Success: true } minor && int.Parse(minor.Groups[1].ValueSpan, CultureInfo.InvariantCulture) >= 25);

    public static IEnumerable<TheoryDataRow<string>> Rows() => All.Select(path => new TheoryDataRow<string>(path));

    private static List<string> Find()
    {
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(directory => Path.Combine(directory, "kubectl")).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("there is no kubectl on the PATH; ./test.sh installs one");
        var real = new FileInfo(onPath).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? onPath;
        var versioned = Directory.GetFiles(Path.GetDirectoryName(real)!, "kubectl.*").Where(file => Path.GetFileName(file).Split('.', 2) is [_, var suffix] && Version.TryParse(suffix, out var version) && version >= new Version(1, 27));
        return [onPath, .. versioned.Order(StringComparer.Ordinal)];
    }
}
