using System.Diagnostics;
using System.Text.Json.Nodes;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Tests.Install;

/// <summary>The real Helm that <c>eng/clients.sh</c> fetches, run without a cluster.</summary>
internal static class Helm
{
    public static string Root { get; } = FindRoot();

    public const string Chart = "deploy/chart/portolan";

    private static string Binary => Path.Combine(Root, "artifacts", "clients", "helm");

    public static void Needed() => Assert.SkipUnless(File.Exists(Binary), "Helm is not in artifacts/clients: eng/clients.sh fetches it");

    public static IReadOnlyList<JsonObject> Template(string release, params string[] arguments) => Template(Chart, release, arguments);

    public static IReadOnlyList<JsonObject> Template(string chart, string release, string[] arguments)
    {
        var (exitCode, output, error) = Run(["template", release, chart, "--namespace", "metallb-system", .. arguments]);
        Assert.True(exitCode == 0, error);
        return [.. YamlJson.Documents(output).OfType<JsonObject>()];
    }

    /// <summary>Runs Helm with an empty home and at most a minute.</summary>
    public static (int ExitCode, string Output, string Error) Run(params IEnumerable<string> arguments)
    {
        Needed();
        var home = Directory.CreateTempSubdirectory("portolan-helm-").FullName;
        try
        {
            var start = new ProcessStartInfo(Binary, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Root };
            foreach (var name in (string[])["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"])
                start.Environment[name] = home;
            start.Environment["KUBECONFIG"] = Path.Combine(home, "none");
            using var helm = Process.Start(start)!;
            var error = helm.StandardError.ReadToEndAsync();
            var output = helm.StandardOutput.ReadToEnd();
            Assert.True(helm.WaitForExit(TimeSpan.FromMinutes(1)));
            return (helm.ExitCode, output, error.Result);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Portolan.slnx")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("the tests run outside the tree");
        return directory;
    }
}
