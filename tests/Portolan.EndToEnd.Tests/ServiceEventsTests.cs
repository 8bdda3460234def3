namespace Portolan.EndToEnd.Tests;

/// <summary>What the user of a Service sees of its address, with the real kubectl: why it is pending, once; and that nobody quarrels over its status.</summary>
[Collection(LabCollection.Name)]
public sealed class ServiceEventsTests(LabFixture fixture) : IAsyncLifetime
{
    private const string Pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: tiny, namespace: metallb-system}\nspec: {addresses: [192.168.77.1/32], autoAssign: false}";
    private readonly Lab _lab = fixture.Lab;

    public async ValueTask InitializeAsync()
    {
        _lab.Apply(Pool).Succeeds();
        _lab.Apply(Service("first")).Succeeds();
        await ShownAsync("first", "192.168.77.1");
    }

    public ValueTask DisposeAsync()
    {
        _lab.Kubectl("delete svc --ignore-not-found first second");
        _lab.Kubectl("delete ipaddresspool -n metallb-system --ignore-not-found tiny");
        return ValueTask.CompletedTask;
    }

    [Contract("§2 event AllocationFailed")]
    [Contract("§2 event IPAllocated")]
    [Fact]
    public async Task DescribeTellsWhyAnAddressIsPending_Once_AndThatItHasCome()
    {
        _lab.Apply(Service("second")).Succeeds();
        var described = await DescribedAsync("second", "AllocationFailed");
        Assert.Matches("Warning +AllocationFailed .*metallb-controller +Failed to allocate IP for \"default/second\": no available IPv4 address in the requested IPAddressPool tiny", described);
        for (var i = 0; i < 5; i++)
            _lab.Kubectl($"annotate svc second note={i} --overwrite").Succeeds();
        _lab.Kubectl("delete svc first").Succeeds();
        await ShownAsync("second", "192.168.77.1");
        described = await DescribedAsync("second", "IPAllocated");
        Assert.Matches("Normal +IPAllocated .*metallb-controller +Assigned IP \\[\"192.168.77.1\"\\]", described);
        Assert.Equal("1 1", (await _lab.KubectlAsync("get events --field-selector involvedObject.name=second,source=metallb-controller -o jsonpath='{.items[*].count}'")).Output);
    }

    [Contract("§2 status")]
    [Fact]
    public async Task WhatAnotherControllerAddsToTheStatusIsLeftAlone_WhatItReplacesIsRestored()
    {
        _lab.Kubectl("""patch svc first --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"192.168.77.1","ipMode":"VIP","ports":[{"port":80,"protocol":"TCP"}]}]}}}'""").Succeeds();
        var version = await VersionAsync("first");
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        Assert.Equal(version, await VersionAsync("first"));
        _lab.Kubectl("""patch svc first --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.9"}]}}}'""").Succeeds();
        await ShownAsync("first", "192.168.77.1");
    }

    [Contract("§2 released: no pools")]
    [Contract("§2 kept: pool renamed or split")]
    [Fact]
    public async Task PoolThatIsDeletedAndMadeAgainCostsNothing_OneThatStaysAwayCostsTheAddress()
    {
        _lab.Kubectl("delete ipaddresspool -n metallb-system tiny").Succeeds();
        _lab.Apply(Pool.Replace("name: tiny", "name: small", StringComparison.Ordinal)).Succeeds();
        try
        {
            _lab.Kubectl("annotate svc first metallb.io/address-pool=small --overwrite").Succeeds();
            await Shell.EventuallyAsync(
                async () => (await _lab.KubectlAsync("get svc first -o jsonpath='{.status.loadBalancer.ingress[*].ip} {.metadata.annotations.metallb\\.io/ip-allocated-from-pool}'")).Output,
                shown => shown == "192.168.77.1 small", 10, "the same address, of the renamed pool");
        }
        finally
        {
            _lab.Kubectl("delete ipaddresspool -n metallb-system small").Succeeds();
        }

        await ShownAsync("first", "", seconds: 20);
    }

    private Task<string> ShownAsync(string service, string address, int seconds = 10) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync($"get svc {service} -o jsonpath='{{.status.loadBalancer.ingress[*].ip}}'")).Output, shown => shown == address, seconds, $"the address \"{address}\" of {service}");

    private Task<string> DescribedAsync(string service, string reason) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync($"describe svc {service}")).Output, text => text.Contains(reason, StringComparison.Ordinal), 15, $"the event {reason}");

    private async Task<string> VersionAsync(string service) => (await _lab.KubectlAsync($"get svc {service} -o jsonpath='{{.metadata.resourceVersion}}'")).Output;

    private static string Service(string name) =>
        $"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, annotations: {{metallb.io/address-pool: tiny}}}}\nspec: {{type: LoadBalancer, ports: [{{port: 80}}]}}";
}
