namespace Portolan.EndToEnd.Tests;

/// <summary>What portolan.dev adds, at the running controller: an address outlives its Service, a namespace gets no more than its share.</summary>
[Collection(LabCollection.Name)]
public sealed class AddressPolicyTests(LabFixture fixture) : IAsyncDisposable
{
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task AddressOutlivesItsService_AndTheQuotaHolds()
    {
        _lab.Apply("""
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: kept, namespace: metallb-system}
            spec: {addresses: [192.168.100.210-192.168.100.213], autoAssign: false}
            ---
            apiVersion: portolan.dev/v1alpha1
            kind: AddressPoolPolicy
            metadata: {name: kept, namespace: metallb-system}
            spec: {ipAddressPools: [kept], retainFor: 1h, quotas: [{namespaces: [default], addresses: 2}]}
            """).Succeeds();
        Make("one", "two");
        await HasAsync("one", "192.168.100.210");
        await HasAsync("two", "192.168.100.211");
        await RecordsAsync("192.168.100.210 one;192.168.100.211 two;");

        // Gone, and gone with the controller away: the next one honours the record.
        _lab.Kubectl("delete service one").Succeeds();
        await EndsAsync("one");
        _lab.Kubectl("scale -n metallb-system deploy/controller --replicas 0").Succeeds();
        await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get pods -n metallb-system -l component=controller -o name")).Output.Trim(), pods => pods.Length == 0, 60, "no controller");
        _lab.Kubectl("delete service two").Succeeds();
        Make("two");
        _lab.Kubectl("scale -n metallb-system deploy/controller --replicas 1").Succeeds();
        await HasAsync("two", "192.168.100.211");

        Make("three");
        var told = await Shell.EventuallyAsync(
            async () => (await _lab.KubectlAsync("describe service three")).Output, text => text.Contains("the quota is used up", StringComparison.Ordinal), 30, "the reason why three has no address");
        Assert.Contains("namespace default may have 2 addresses of IPAddressPool kept (AddressPoolPolicy kept), and has 2, of them 1 kept for Services that are gone", told);

        // Whoever gives the record up gives the address up.
        Make("one");
        await HasAsync("one", "192.168.100.210");
        _lab.Kubectl("delete service one").Succeeds();
        await EndsAsync("one");
        _lab.Kubectl($"delete addressreservation -n metallb-system {Record("one")}").Succeeds();
        await HasAsync("three", "192.168.100.210");

        Assert.Contains("spec.retainFor", _lab.Apply("""
            apiVersion: portolan.dev/v1alpha1
            kind: AddressPoolPolicy
            metadata: {name: wrong, namespace: metallb-system}
            spec: {retainFor: soon}
            """).Fails().All);
    }

    public async ValueTask DisposeAsync()
    {
        _lab.Kubectl("scale -n metallb-system deploy/controller --replicas 1");
        _lab.Kubectl("delete service --ignore-not-found one two three");
        _lab.Kubectl("delete addresspoolpolicy,ipaddresspool -n metallb-system --ignore-not-found kept wrong");
        _lab.Kubectl("delete addressreservation -n metallb-system --all");
        await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get pods -n metallb-system -l component=controller")).Output, pods => pods.Contains("1/1", StringComparison.Ordinal), 60, "a controller");
    }

    private void Make(params string[] names)
    {
        foreach (var name in names)
            _lab.Apply($$"""
                apiVersion: v1
                kind: Service
                metadata:
                  name: {{name}}
                  annotations: {metallb.io/address-pool: kept}
                spec: {type: LoadBalancer, ports: [{port: 80}]}
                """).Succeeds();
    }

    private Task HasAsync(string service, string address) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync($"get service {service} -o jsonpath='{{.status.loadBalancer.ingress[*].ip}}'")).Output.Trim(), found => found == address, 40, $"{address} on {service}");

    private Task RecordsAsync(string records) => Shell.EventuallyAsync(
        async () => string.Concat((await _lab.KubectlAsync("get addressreservations -n metallb-system -o jsonpath='{range .items[*]}{.spec.addresses[0]} {.spec.service.name};{\"\\n\"}{end}'")).Output.Split('\n').Order(StringComparer.Ordinal)).Trim(),
        found => found == records, 30, records);

    private Task EndsAsync(string service) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync($"get addressreservations -n metallb-system -o jsonpath='{{.items[?(@.spec.service.name==\"{service}\")].spec.expiresAt}}'")).Output.Trim(), end => end.Length > 0, 30, $"an end of what is kept for {service}");

    private string Record(string service) =>
        _lab.Kubectl($"get addressreservations -n metallb-system -o jsonpath='{{.items[?(@.spec.service.name==\"{service}\")].metadata.name}}'").Succeeds().Output.Trim();
}
