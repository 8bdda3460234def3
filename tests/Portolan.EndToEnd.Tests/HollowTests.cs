namespace Portolan.EndToEnd.Tests;

/// <summary>A big cluster without a machine for it.</summary>
[Collection(LabCollection.Name)]
public sealed class HollowTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task HollowNodesBeatTakePodsAndGo()
    {
        try
        {
            _lab.Portolan($"lab hollow --name {_lab.Name} --nodes 5 --services 20 --endpoints 4").Succeeds();
            await Shell.EventuallyAsync(() => _lab.KubectlAsync("get nodes -l portolan.dev/hollow=true"), nodes => nodes.Lines.Count(l => l.Contains(" Ready ", StringComparison.Ordinal)) == 5, 20, "five Ready hollow nodes");
            Assert.Equal(20, _lab.Kubectl("get svc -n hollow --no-headers").Succeeds().Lines.Length);
            Assert.Equal(80, _lab.Kubectl("get endpointslices -n hollow -o jsonpath='{range .items[*].endpoints[*]}{.addresses[0]}:{.nodeName}{\"\\n\"}{end}'").Succeeds().Lines.Length);

            // What the proxy makes of them: a Service with four real servers, on a node that is not hollow.
            var front = _lab.Kubectl("get svc -n hollow service-7 -o jsonpath='{.spec.clusterIP}'").Succeeds().Output;
            await Shell.EventuallyAsync(() => _lab.OnAsync("node1", "portolan get virtual-servers -n"),
                table => table.Lines.SkipWhile(l => !l.StartsWith($"TCP  {front}:80 ", StringComparison.Ordinal)).Skip(1).TakeWhile(l => l.StartsWith("  ->", StringComparison.Ordinal)).Count() == 4,
                20, "service-7 with four real servers");

            _lab.Apply("""
                apiVersion: v1
                kind: Pod
                metadata: {name: hollow-guest}
                spec:
                  nodeSelector: {portolan.dev/hollow: "true"}
                  tolerations: [{key: portolan.dev/hollow, operator: Exists}]
                  containers: [{name: c, image: no-such-image}]
                """).Succeeds();
            _lab.Kubectl("wait --for=condition=Ready pod/hollow-guest --timeout=20s").Succeeds();
            Assert.StartsWith("198.19.", _lab.Kubectl("get pod hollow-guest -o jsonpath='{.status.podIP}'").Succeeds().Output);
            _lab.Kubectl("delete pod hollow-guest --timeout=20s").Succeeds();
            Assert.Contains("3 of 3 nodes Ready and 5 hollow ones", _lab.Portolan($"lab status --name {_lab.Name}").Output);
        }
        finally
        {
            _lab.Kubectl("delete pod hollow-guest --now --ignore-not-found");
            _lab.Portolan($"lab hollow --name {_lab.Name} --nodes 0 --services 0").Succeeds();
        }

        Assert.Contains("No resources found", _lab.Kubectl("get nodes -l portolan.dev/hollow").All);
        _lab.Kubectl("get ns hollow").Fails();
        await fixture.PodsReadyAsync();
    }
}
