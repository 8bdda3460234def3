namespace Portolan.EndToEnd.Tests;

/// <summary>Things broken on purpose show, do what they say, and are mended without a trace.</summary>
[Collection(LabCollection.Name)]
public sealed class FaultTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task AFrozenNodeFallsSilent_AndGoesOnWhereItStood()
    {
        var pods = _lab.Kubectl("get pod -A --field-selector spec.nodeName=node3 -o jsonpath='{.items[*].metadata.uid}'").Succeeds().Output;
        try
        {
            Fault("freeze node3", "node3 is frozen");
            Fault("freeze node3", "node3 is already frozen");
            Assert.Contains("thaw node3", _lab.On("node3", "true").Fails().All);
            Assert.Contains("frozen", _lab.Portolan($"lab status --name {_lab.Name}").Fails().Output);
            await NodeReadyAsync("node3", "Unknown");
        }
        finally
        {
            Fault("thaw node3", "node3 is running");
        }

        await NodeReadyAsync("node3", "True");
        await WellAsync();
        Assert.Equal(pods, _lab.Kubectl("get pod -A --field-selector spec.nodeName=node3 -o jsonpath='{.items[*].metadata.uid}'").Succeeds().Output);
    }

    [Fact]
    public async Task PartitionsAndLossesStopPackets_UntilAllIsHealed()
    {
        try
        {
            Fault("partition client / node1,node2,node3", "apart: client / node1,node2,node3");
            _lab.On("client", "ping -q -c 2 -i 0.2 -W 1 192.168.100.100").Fails();
            _lab.On("client", "ping -q -c 1 -W 2 192.168.100.10").Succeeds();
            Fault("heal --all", "every cable is in");
            _lab.On("client", "ping -q -c 1 -W 2 192.168.100.100").Succeeds();

            Fault("loss client 100% --in", "lost: client 100% of what it receives");
            Assert.Contains("lost: client", _lab.Portolan($"lab status --name {_lab.Name}").Fails().Output);
            _lab.On("client", "ping -q -c 2 -i 0.2 -W 1 192.168.100.10").Fails();
            Fault("loss client 0%", "client loses nothing");
            _lab.On("client", "ping -q -c 1 -W 2 192.168.100.10").Succeeds();
            Assert.Contains("already", Fault("heal client", "client is already on the network").Output);
        }
        finally
        {
            Fault("heal --all", "every cable is in");
        }

        await WellAsync();
    }

    [Fact]
    public void TheRouterLosesItsPowerAndGetsItBack()
    {
        _lab.On("remote", "ping -q -c 1 -W 2 192.168.100.20").Succeeds();
        try
        {
            Fault("kill router", "router is without power");
            Fault("kill router", "router is already without power");
            Assert.Contains("start router", _lab.Portolan($"lab freeze --name {_lab.Name} router").Fails().All);
            _lab.On("remote", "ping -q -c 2 -i 0.2 -W 1 192.168.100.20").Fails();
        }
        finally
        {
            Fault("start router", "router is powered");
        }

        _lab.On("remote", "ping -q -c 3 -i 0.2 -W 2 192.168.100.20").Succeeds();
    }

    private Outcome Fault(string arguments, string says)
    {
        var words = arguments.Split(' ', 2);
        var outcome = _lab.Portolan($"lab {words[0]} --name {_lab.Name} {words[1]}").Succeeds();
        Assert.Contains(says, outcome.Output);
        return outcome;
    }

    private Task NodeReadyAsync(string node, string status) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync($"get node {node} -o jsonpath='{{.status.conditions[?(@.type==\"Ready\")].status}}'")).Output, seen => seen == status, 60, $"{node} Ready={status}");

    private Task WellAsync() => Shell.EventuallyAsync(() => Task.FromResult(_lab.Portolan($"lab status --name {_lab.Name}")), status => status.ExitCode == 0, 60, "a lab that is well");
}
