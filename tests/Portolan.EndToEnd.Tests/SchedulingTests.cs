namespace Portolan.EndToEnd.Tests;

/// <summary>A Service asks its proxies for more than Kubernetes has fields for, with <c>kubectl annotate</c>.</summary>
[Collection(LabCollection.Name)]
public sealed class SchedulingTests(LabFixture fixture)
{
    private const string Service = "svc myweb-svc-lb";
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task AnAnnotationMakesAClientStay_AWrongOneIsToldOnTheService_AndWithoutItAllIsAsBefore()
    {
        try
        {
            _lab.Kubectl($"annotate {Service} portolan.dev/scheduler=maglev portolan.dev/maglev-table-size=251").Succeeds();
            await ShowsAsync("node1", "TCP  192.168.100.240:80 maglev");
            await ShowsAsync("node2", "TCP  192.168.100.240:80 maglev");
            await ShowsAsync("node3", "TCP  192.168.100.240:80 maglev");
            Assert.Single(Answers());

            _lab.Kubectl($"annotate {Service} --overwrite portolan.dev/scheduler=rr").Succeeds();
            await ShowsAsync("node1", "TCP  192.168.100.240:80 random");
            await Shell.EventuallyAsync(
                async () => (await _lab.KubectlAsync("get events --field-selector reason=WrongAnnotation")).Output,
                events => events.Contains("metadata.annotations[portolan.dev/scheduler]: rr: is of IPVS, and this node's proxy forwards by nftables", StringComparison.Ordinal),
                20, "the event");
        }
        finally
        {
            _lab.Kubectl($"annotate {Service} portolan.dev/scheduler- portolan.dev/maglev-table-size-");
        }

        foreach (var node in new[] { "node1", "node2", "node3" })
            await ShowsAsync(node, "TCP  192.168.100.240:80 random");
        Assert.Equal(3, Answers().Count);
    }

    private HashSet<string> Answers() =>
        [.. _lab.On("client", "sh -c 'for i in $(seq 40); do curl -s -m 3 192.168.100.240; done'").Succeeds().Output.Split('\n').Where(line => line.Contains("myweb", StringComparison.Ordinal))];

    private Task ShowsAsync(string node, string line) => Shell.EventuallyAsync(
        () => _lab.OnAsync(node, "portolan get virtual-servers -n"), table => table.Output.Split('\n').Contains(line), 20, $"{line} on {node}");
}
