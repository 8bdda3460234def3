using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>Helm 4 installs, changes and removes a chart that has a definition, a hook and a test; docs/lab.md says the same.</summary>
[Collection(ConformanceCollection.Name)]
public sealed class HelmConformanceTests(ConformanceLab fixture)
{
    private const string Chart = "tests/Portolan.EndToEnd.Tests/Conformance/chart";

    private static readonly Verb[] _verbs =
    [
        new("install --wait", $"h install berth {Chart} --wait --timeout 90s; k get buoy berth -o jsonpath={{.spec.colour}}; k get job berth-before -o jsonpath={{.status.succeeded}}", "STATUS: deployed(?s:.*)red1$"),
        new("list", "h list", "(?m)^berth\\s.*deployed"),
        new("status, get", "h status berth; h get values berth --all; h get manifest berth", "STATUS: deployed(?s:.*)replicas: 1(?s:.*)kind: Deployment"),
        new("upgrade --wait", $"h upgrade berth {Chart} --set replicas=2 --wait --timeout 90s; k get deploy berth -o jsonpath={{.status.readyReplicas}}", "REVISION: 2(?s:.*)2$"),
        new("upgrade --dry-run=server", $"h upgrade berth {Chart} --set replicas=3 --dry-run=server; k get deploy berth -o jsonpath={{.spec.replicas}}", "replicas: 3(?s:.*)2$"),
        new("history", "h history berth", "superseded(?s:.*)deployed"),
        new("rollback --wait", "h rollback berth 1 --wait --timeout 90s; k get deploy berth -o jsonpath={.spec.replicas}", "Rollback was a success(?s:.*)1$"),
        new("test", "h test berth --timeout 90s", "Phase: +Succeeded"),
        new("uninstall --wait", "h uninstall berth --wait --timeout 90s; refused k get deploy berth", "release \"berth\" uninstalled(?s:.*)NotFound"),
    ];

    [Fact]
    public async Task DoesWhatTheTableSays()
    {
        var helm = Path.Combine(ClientUnderTest.Fetched, "helm");
        Assert.SkipUnless(File.Exists(helm), "Helm is not in artifacts/clients: eng/clients.sh fetches it");
        fixture.Lab.Kubectl("create ns helm-4").Succeeds();
        var home = Directory.CreateTempSubdirectory("portolan-helm-").FullName;
        try
        {
            var environment = new Dictionary<string, string>(fixture.Lab.Variables)
            {
                ["H"] = $"{helm} -n helm-4", ["K"] = $"{Kubectls.Default} -n helm-4", ["NS"] = "helm-4",
                ["HELM_CACHE_HOME"] = home, ["HELM_CONFIG_HOME"] = home, ["HELM_DATA_HOME"] = home,
            };
            var broken = new List<string>();
            foreach (var verb in _verbs)
            {
                var outcome = await Shell.RunAsync(ConformanceScript.Tools + verb.Script, environment, 150);
                if (outcome.ExitCode != 0 || !Regex.IsMatch(outcome.All.Trim(), verb.Prints))
                    broken.Add($"helm {verb.Name}: ended with {outcome.ExitCode}\n{outcome.All.Trim()}\nwhere expected: {verb.Prints}");
            }

            Assert.True(broken.Count == 0, string.Join("\n\n", broken));
            ConformanceTable.Check("Helm", "4", [.. _verbs.Select(v => (v.Name, ConformanceTable.Works))]);
        }
        finally
        {
            fixture.Lab.Kubectl("delete ns helm-4 --wait=false");
            fixture.Lab.Kubectl("delete crd buoys.example.com");
            Directory.Delete(home, recursive: true);
        }
    }
}
