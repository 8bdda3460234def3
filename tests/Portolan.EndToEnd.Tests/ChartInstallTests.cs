namespace Portolan.EndToEnd.Tests;

/// <summary>The real Helm installs, changes and removes the chart; the addresses do not mind.</summary>
[Collection(OwnLabs.Name)]
public sealed class ChartInstallTests : IDisposable
{
    private const string Vip = "192.168.100.240";
    private const string Configuration = """
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: default, namespace: edge}
        spec: {addresses: [192.168.100.240-192.168.100.249]}
        ---
        apiVersion: metallb.io/v1beta1
        kind: L2Advertisement
        metadata: {name: default, namespace: edge}
        """;

    private const string Chart = "deploy/chart/portolan";

    private readonly Lab _lab = new("chart");
    private readonly string _home = Directory.CreateTempSubdirectory("portolan-helm-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    private static string Binary => Path.Combine(Repository.Root, "artifacts", "clients", "helm");

    /// <summary>The way docs/migrating-from-metallb.md goes: the release stays, its objects become Portolan's.</summary>
    [Fact]
    public async Task TakesOverAReleaseOfMetalLb_InPlace()
    {
        Assert.SkipUnless(File.Exists(Binary), "Helm is not in artifacts/clients: eng/clients.sh fetches it");
        _lab.Down();
        try
        {
            _lab.Up("--nodes 2 --without-portolan");
            _lab.Kubectl("create -f examples/article/").Succeeds();
            _lab.Kubectl("create ns edge").Succeeds();
            Helm("install metallb tests/Portolan.EndToEnd.Tests/MetalLbChart").Succeeds();
            _lab.Apply(Configuration).Succeeds();
            _lab.WriteAddress("myweb-svc-lb", "192.168.100.245");
            const string identities = "get deploy/metallb-controller ds/metallb-speaker crd/ipaddresspools.metallb.io ipaddresspool/default -n edge -o jsonpath='{.items[*].metadata.uid}'";
            var before = _lab.Kubectl(identities).Succeeds().Output;

            Helm($"upgrade metallb {Chart} --wait --timeout 60s").Succeeds();
            await _lab.AnswersAsync("192.168.100.245", 30);
            Assert.Equal("192.168.100.245", Address());
            Assert.Equal(before, _lab.Kubectl(identities).Succeeds().Output);
            var pods = _lab.Kubectl("get deploy,ds -n edge -o jsonpath='{.items[*].spec.template.spec}'").Succeeds().Output;
            Assert.DoesNotContain("quay.io", pods);
            Assert.DoesNotContain("METALLB_BGP_TYPE", pods);
        }
        finally
        {
            _lab.Down();
        }
    }

    [Fact]
    public async Task InstallsUpgradesAndUninstalls()
    {
        Assert.SkipUnless(File.Exists(Binary), "Helm is not in artifacts/clients: eng/clients.sh fetches it");
        _lab.Down();
        try
        {
            _lab.Up("--nodes 2 --without-portolan");
            _lab.Kubectl("create -f examples/article/").Succeeds();
            _lab.Kubectl("create ns edge").Succeeds();
            Assert.Contains("STATUS: deployed", Helm($"install portolan {Chart} --wait --timeout 60s").Succeeds().Output);
            _lab.Apply(Configuration).Succeeds();
            await _lab.AnswersAsync(Vip, 30);
            Assert.Equal(Vip, Address());

            Helm($"upgrade portolan {Chart} --set controller.replicas=2 --set controller.logLevel=debug --wait --timeout 60s").Succeeds();
            Assert.Equal("2", _lab.Kubectl("get deploy portolan-controller -n edge -o jsonpath={.status.readyReplicas}").Succeeds().Output);
            Assert.Equal(Vip, Address());
            await _lab.AnswersAsync(Vip);

            // Beside a release of Helm nothing else is installed.
            Assert.Contains("Helm's release portolan", _lab.Portolan("install --no-wait").Fails().Error);

            Helm("uninstall portolan --wait --timeout 60s").Succeeds();
            Assert.DoesNotContain("portolan", _lab.Kubectl("get deploy,ds,sa,role,rolebinding -n edge -o name").Succeeds().Output);
            Assert.DoesNotContain("portolan", _lab.Kubectl("get clusterroles,clusterrolebindings -o name").Succeeds().Lines.Where(line => !line.EndsWith("/portolan-proxy", StringComparison.Ordinal)));
            Assert.Equal("192.168.100.240-192.168.100.249", _lab.Kubectl("get ipaddresspool default -n edge -o jsonpath={.spec.addresses[0]}").Succeeds().Output);
            Assert.Equal(Vip, Address());

            // And comes back to what it left.
            Helm($"install portolan {Chart} --wait --timeout 60s").Succeeds();
            await _lab.AnswersAsync(Vip, 30);
            Assert.Equal(Vip, Address());
        }
        finally
        {
            _lab.Down();
        }
    }

    private string Address() => _lab.Kubectl("get svc myweb-svc-lb -o jsonpath={.status.loadBalancer.ingress[*].ip}").Succeeds().Output;

    private Outcome Helm(string arguments) =>
        Shell.Run($"{Binary} -n edge {arguments}", new Dictionary<string, string>(_lab.Variables) { ["HELM_CACHE_HOME"] = _home, ["HELM_CONFIG_HOME"] = _home, ["HELM_DATA_HOME"] = _home }, 120);
}
