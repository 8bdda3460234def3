namespace Portolan.EndToEnd.Tests;

/// <summary>A lab with both IP families: what has an IPv6 address is reached by it.</summary>
[Collection(LabCollection.Name)]
public sealed class DualStackLabTests : IDisposable
{
    private readonly Lab _lab = new("dual");

    [Fact]
    public async Task PodsServicesAndNodePortsAnswerOverIPv6()
    {
        _lab.Down();
        _lab.Up("--ipv6 --nodes 2 --without-portolan");
        Assert.Equal("192.168.100.100 fd00:100::100 node1", Read("node node1 -o jsonpath='{.status.addresses[*].address}'"));
        Assert.Equal("10.233.65.0/24 fd00:234:0:65::/64", Read("node node1 -o jsonpath='{.spec.podCIDRs[*]}'"));
        _lab.Apply("""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: web, image: ghcr.io/c1t1d0s7/go-myweb, ports: [{containerPort: 8080}]}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {type: NodePort, ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6, IPv4], selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 31666}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: box}
            spec: {containers: [{name: box, image: ghcr.io/c1t1d0s7/network-multitool, command: [sleep, "3600"]}]}
            """).Succeeds();
        await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get endpointslices -l kubernetes.io/service-name=web -o jsonpath='{range .items[*]}{.addressType}={.endpoints[*].conditions.ready} {end}'")).Output,
            slices => slices.Contains("IPv6=true true", StringComparison.Ordinal) && slices.Contains("IPv4=true true", StringComparison.Ordinal), 60, "two ready endpoints of each family");
        _lab.Kubectl("wait --for=condition=Ready pod/box --timeout=60s").Succeeds();

        var pod = Read("pod box -o jsonpath='{.status.podIP} {.status.podIPs[*].ip} {.status.hostIPs[*].ip}'").Split(' ');
        Assert.Equal([pod[0], pod[0], $"fd00:234:0:{pod[0].Split('.')[2]}::{pod[0].Split('.')[3]}"], pod[..3]);
        var address = Read("svc web -o jsonpath='{.spec.clusterIP}'");
        Assert.StartsWith("fd00:233::", address);

        await AnswersAsync(() => _lab.Kubectl($"exec box -- curl -g -s -m 3 http://[{address}]"));
        await AnswersAsync(() => _lab.On("client", "curl -g -s -m 3 http://[fd00:100::100]:31666"));
        await AnswersAsync(() => _lab.On("remote", "curl -g -s -m 3 http://[fd00:100::101]:31666"));
        await AnswersAsync(() => _lab.On("client", "curl -s -m 3 http://192.168.100.101:31666"));
        Assert.Contains(address, _lab.Kubectl("exec box -- getent ahostsv6 web.default.svc.cluster.local").Succeeds().Output);
        Assert.Contains("ok", _lab.On("client", "curl -g -s -k -m 5 https://[fd00:100::10]:6443/healthz").Succeeds().Output);

        // The IPv6 server of the table, on the node that carries it.
        Assert.Contains($"[{address}]:80", _lab.On("node1", "portolan get virtual-servers -n").Succeeds().Output);
        Assert.Contains("without IPv6", new Lab("e2e").Portolan("lab up --name e2e --ipv6").Fails().All);
    }

    public void Dispose() => _lab.Down();

    private string Read(string what) => _lab.Kubectl($"get {what}").Succeeds().Output.Trim();

    private static Task<Outcome> AnswersAsync(Func<Outcome> ask) =>
        Shell.EventuallyAsync(() => Task.FromResult(ask()), answer => answer.Output.StartsWith("Hello World!", StringComparison.Ordinal), 20, "an answer");
}
