using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>One kubectl against a server, in a namespace. Arguments are split at blanks; <c>~</c> is a blank inside an argument.</summary>
public sealed partial class Kubectl
{
    private readonly RunningServer _server;
    private readonly string _binary;
    private readonly string _namespace;

    internal Kubectl(RunningServer server, string binary, string ns) => (_server, _binary, _namespace) = (server, binary, ns);

    /// <summary>Versioned binaries lie beside the real file of the dispatcher; a plain kubectl stands for itself. One empty name when there is none.</summary>
    public static TheoryData<string> Binaries()
    {
        var found = new TheoryData<string>();
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            var plain = new FileInfo(Path.Combine(directory, "kubectl"));
            if (!plain.Exists) continue;
            var real = plain.ResolveLinkTarget(returnFinalTarget: true) ?? plain;
            var versioned = Directory.GetFiles(Path.GetDirectoryName(real.FullName)!, "kubectl.1.*").Where(f => Versioned().IsMatch(f) && int.Parse(f.Split('.')[^1]) >= 27).Order().ToList();
            foreach (var file in versioned.Count > 0 ? versioned : [real.FullName]) found.Add(file);
            break;
        }

        if (!found.Any()) found.Add("");
        return found;
    }

    internal async Task<string> OkAsync(string arguments, string? input = null)
    {
        var (code, output) = await RunAsync(arguments, input);
        Assert.True(code == 0, $"{arguments}: exit code {code}\n{output}");
        return output;
    }

    internal async Task<string> FailsAsync(string arguments, string? input = null)
    {
        var (code, output) = await RunAsync(arguments, input);
        Assert.NotEqual(0, code);
        return output;
    }

    internal async Task<(int Code, string Output)> RunAsync(string arguments, string? input = null)
    {
        var start = new ProcessStartInfo(_binary) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        var cache = Path.Combine(_server.State.Directory, "cache-" + Path.GetFileName(_binary));
        foreach (var argument in (string[])["--kubeconfig", _server.State.WriteKubeconfig(_server.Address), "--cache-dir", cache, "-n", _namespace, .. arguments.Split(' ')])
            start.ArgumentList.Add(argument.Replace('~', ' '));
        using var process = Process.Start(start)!;
        if (input is not null) await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"{arguments}: no end after 60 s");
        }

        return (process.ExitCode, await output + await error);
    }

    [GeneratedRegex(@"/kubectl\.1\.\d+$")]
    private static partial Regex Versioned();
}
