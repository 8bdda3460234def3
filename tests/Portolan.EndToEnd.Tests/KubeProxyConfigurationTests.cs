using System.Text.Json.Nodes;

namespace Portolan.EndToEnd.Tests;

/// <summary>The proxy under the ConfigMap that kubeadm made for kube-proxy, mounted as docs/proxy-configuration.md has it.</summary>
[Collection(LabCollection.Name)]
public sealed class KubeProxyConfigurationTests : IDisposable
{
    private const string Kubeconfig = """
        apiVersion: v1
        kind: Config
        clusters:
        - {name: default, cluster: {certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt, server: "https://192.168.100.10:6443"}}
        contexts:
        - {name: default, context: {cluster: default, namespace: default, user: default}}
        current-context: default
        users:
        - {name: default, user: {tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token}}
        """;

    private readonly Lab _lab = new("kubeproxy");
    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public async Task RunsUnderKubeadmsConfigMap()
    {
        var file = Path.Combine(_directory, "config.conf");
        File.WriteAllText(file, File.ReadAllText(Path.Combine(Repository.Root, "tests", "Portolan.Tests", "Proxy", "Configuration", "Files", "kubeadm.yaml")).Replace("10.244.0.0/16", "10.233.64.0/18", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(_directory, "kubeconfig.conf"), Kubeconfig);
        WritesWhatItReadsBackAsTheSame(file);

        _lab.Down();
        _lab.Up("--nodes 1 --without-portolan");
        _lab.Kubectl($"create configmap kube-proxy -n kube-system --from-file={_directory}/config.conf --from-file={_directory}/kubeconfig.conf").Succeeds();
        var patch = Path.Combine(_directory, "patch.yaml");
        File.WriteAllText(patch, "spec:\n  template:\n    spec:\n" + FirstYamlBlockAfter("## With kubeadm's ConfigMap"));
        _lab.Kubectl($"patch daemonset portolan-proxy -n kube-system --patch-file {patch}").Succeeds();
        _lab.Kubectl("rollout status daemonset portolan-proxy -n kube-system --timeout=60s").Succeeds();
        _lab.Kubectl("expose deployment coredns -n kube-system --type NodePort --name dns-by-node-port --port 53 --protocol TCP --target-port 53").Succeeds();
        var port = _lab.Kubectl("get service dns-by-node-port -n kube-system -o jsonpath='{.spec.ports[0].nodePort}'").Succeeds().Output.Trim();

        // In iptables mode, which is what a file without a mode means, node ports answer at every address of the node.
        await Shell.EventuallyAsync(
            () => Task.FromResult(_lab.On("node1", "portolan get virtual-servers -n").Output),
            table => table.Contains($"169.254.25.10:{port}", StringComparison.Ordinal) && table.Contains($"192.168.100.100:{port}", StringComparison.Ordinal), 20, "node ports");
        var configuration = JsonNode.Parse(_lab.On("node1", "curl -s http://127.0.0.1:10249/configz").Succeeds().Output)!["kubeproxy.config.k8s.io"]!;
        Assert.Equal(("10.233.64.0/18", "node1", "iptables"), ((string?)configuration["clusterCIDR"], (string?)configuration["hostnameOverride"], (string?)configuration["mode"]));
        Assert.Contains("forwarded by nftables", _lab.Kubectl("logs -n kube-system -l app=portolan-proxy").Succeeds().Output);
    }

    public void Dispose()
    {
        _lab.Down();
        Directory.Delete(_directory, recursive: true);
    }

    private void WritesWhatItReadsBackAsTheSame(string file)
    {
        var (first, second) = (Path.Combine(_directory, "first"), Path.Combine(_directory, "second"));
        _lab.Portolan($"proxy --config {file} --write-config-to {first}").Succeeds();
        _lab.Portolan($"proxy --config {first} --write-config-to {second}").Succeeds();
        Assert.Contains("clusterCIDR: \"10.233.64.0/18\"", File.ReadAllText(first), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(first), File.ReadAllText(second));
    }

    private static string FirstYamlBlockAfter(string heading)
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "proxy-configuration.md"));
        var start = page.IndexOf("```yaml\n", page.IndexOf(heading, StringComparison.Ordinal), StringComparison.Ordinal) + "```yaml\n".Length;
        return page[start..page.IndexOf("```", start, StringComparison.Ordinal)];
    }
}
