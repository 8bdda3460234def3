using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>The controller with the arguments and probes of MetalLB's own manifests, old and new; and who may scrape it.</summary>
[Collection(LabCollection.Name)]
public sealed class ControllerFlagsTests(LabFixture fixture) : IAsyncLifetime
{
    private readonly Lab _lab = fixture.Lab;
    private string _before = "";

    public ValueTask InitializeAsync()
    {
        _before = _lab.Kubectl("get deploy -n metallb-system controller -o jsonpath='{.spec.template.spec.containers[0]}'").Succeeds().Output.Trim();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await RollOutAsync($$"""[{"op":"replace","path":"/spec/template/spec/containers/0","value":{{_before}}}]""");

    [Fact]
    public async Task StartsAsKubespraysManifestStartsIt_WithTheProbeOnTheMetrics()
    {
        await RollOutAsync("""
            [{"op":"replace","path":"/spec/template/spec/containers/0/args","value":["controller","--port=7472","--log-level=info"]},
             {"op":"replace","path":"/spec/template/spec/containers/0/livenessProbe/httpGet","value":{"path":"/metrics","port":7472}},
             {"op":"replace","path":"/spec/template/spec/containers/0/readinessProbe/httpGet","value":{"path":"/metrics","port":7472}}]
            """);
        Assert.Contains("metallb_k8s_client_config_loaded_bool 1", _lab.On("node1", $"curl -s http://{await PodAsync()}:7472/metrics").Succeeds().Output);
    }

    [Fact]
    public async Task StartsAsMetalLb016StartsIt_WithMetricsOverTlsForWhoeverMayReadThem()
    {
        await RollOutAsync("""[{"op":"replace","path":"/spec/template/spec/containers/0/args","value":["controller","--port=9120","--log-level=info"]}]""");
        var pod = await PodAsync();
        _lab.On("node1", $"curl -s -m 3 http://{pod}:7472/metrics").Fails();
        Assert.Equal("404", Status($"http://{pod}:17472/metrics"));
        Assert.Equal("401", Status($"https://{pod}:9120/metrics"));
        _lab.Kubectl("create serviceaccount scraper").Succeeds();
        try
        {
            var token = _lab.Kubectl("create token scraper").Succeeds().Output.Trim();
            Assert.Equal("403", Status($"https://{pod}:9120/metrics", token));
            _lab.Kubectl("create clusterrolebinding scraper --clusterrole=metallb-system:metrics-reader --serviceaccount=default:scraper").Succeeds();

            // A refusal is remembered for some seconds.
            await Shell.EventuallyAsync(() => Task.FromResult(Status($"https://{pod}:9120/metrics", token)), status => status == "200", 30, "the metrics for the scraper");
            Assert.Contains("metallb_k8s_client_config_loaded_bool 1", _lab.On("node1", $"curl -sk -H 'Authorization: Bearer {token}' https://{pod}:9120/metrics").Succeeds().Output);
        }
        finally
        {
            _lab.Kubectl("delete serviceaccount scraper");
            _lab.Kubectl("delete clusterrolebinding scraper");
        }
    }

    private string Status(string url, string? token = null) =>
        _lab.On("node1", $"curl -sk -m 5 -o /dev/null -w '%{{http_code}}' {(token is null ? "" : $"-H 'Authorization: Bearer {token}' ")}{url}").Succeeds().Output.Trim();

    private async Task RollOutAsync(string patch)
    {
        _lab.Kubectl($"patch deploy -n metallb-system controller --type=json -p '{Regex.Replace(patch, @"\s*\n\s*", "")}'").Succeeds();
        _lab.Kubectl("rollout status -n metallb-system deploy/controller --timeout=60s", seconds: 70).Succeeds();
        await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get po -n metallb-system -l component=controller -o name")).Lines.Length, count => count == 1, 30, "one controller");
    }

    private async Task<string> PodAsync() => (await _lab.KubectlAsync("get po -n metallb-system -l component=controller -o jsonpath='{.items[0].status.podIP}'")).Output.Trim();
}
