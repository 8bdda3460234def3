using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>A lab of the published executables, and what a user at it does.</summary>
internal sealed class Lab(string name)
{
    private readonly Dictionary<string, string> _environment = new() { ["PATH"] = $"{Repository.Binaries}:{Environment.GetEnvironmentVariable("PATH")}" };

    public string Name { get; } = name;

    public Outcome Portolan(string arguments, int seconds = 60) => Shell.Run($"portolan {arguments}", _environment, seconds);

    public Outcome Up(string options = "")
    {
        var outcome = Portolan($"lab up --name {Name} {options}", 90).Succeeds();
        _environment["KUBECONFIG"] = Portolan($"lab kubeconfig --name {Name}").Succeeds().Output.Trim();
        return outcome;
    }

    public Outcome Down() => Portolan($"lab down --name {Name}");

    public Outcome Kubectl(string arguments, string? binary = null, int seconds = 60) => Shell.Run($"{binary ?? Kubectls.Default} {arguments}", _environment, seconds);

    public Task<Outcome> KubectlAsync(string arguments) => Shell.RunAsync($"{Kubectls.Default} {arguments}", _environment);

    /// <summary>Feeds a manifest to kubectl.</summary>
    public Outcome Apply(string manifest, string verb = "apply") => Shell.Run($"{Kubectls.Default} {verb} -f - <<'MANIFEST'\n{manifest}\nMANIFEST", _environment);

    /// <summary>Writes an address into a Service's status, as a load balancer does; kubectl of before 1.24 has no option for it.</summary>
    public void WriteAddress(string service, string address)
    {
        var read = JsonNode.Parse(Kubectl($"get svc {service} -o json").Succeeds().Output)!;
        read["status"] = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = new JsonArray(new JsonObject { ["ip"] = address }) } };
        Shell.Run($"{Kubectls.Default} replace --raw /api/v1/namespaces/default/services/{service}/status -f - <<'OBJECT'\n{read.ToJsonString()}\nOBJECT", _environment).Succeeds();
    }

    public Outcome On(string host, string command, int seconds = 60) => Shell.Run($"portolan lab exec --name {Name} {host} -- {command}", _environment, seconds);

    public Task<Outcome> OnAsync(string host, string command, int seconds = 60) => Shell.RunAsync($"portolan lab exec --name {Name} {host} -- {command}", _environment, seconds);

    public System.Diagnostics.Process Start(string host, string command) => Shell.Start($"exec portolan lab exec --name {Name} {host} -- {command}", _environment);

    public IReadOnlyDictionary<string, string> Variables => _environment;

    /// <summary>One request from the client's host: the name of the pod that answered, or null.</summary>
    public string? Curl(string url, int milliseconds = 1000)
    {
        var answer = On("client", $"curl -s -m {milliseconds / 1000.0:0.0##} {url}");
        return answer.ExitCode == 0 && answer.Lines is ["Hello World!", var pod] ? pod : null;
    }

    public Task<string?> AnswersAsync(string url, int seconds = 20) =>
        Shell.EventuallyAsync(() => Task.FromResult(Curl(url)), pod => pod is not null, seconds, $"an answer from {url}");

    /// <summary>The node that says it announces a Service.</summary>
    public string? Announcer(string service = "myweb-svc-lb") =>
        Kubectl($"get servicel2statuses -n metallb-system -o jsonpath='{{.items[?(@.status.serviceName==\"{service}\")].status.node}}'").Output.Trim() is { Length: > 0 } node ? node : null;

    public string Mac(string host) =>
        Regex.Match(On(host, "ip -o link show eth0").Succeeds().Output, "link/ether ([0-9a-f:]{17})").Groups[1].Value;
}
