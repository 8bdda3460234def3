namespace Portolan.EndToEnd.Tests;

/// <summary>What the speakers announce to a router, in a lab whose router speaks BGP.</summary>
[Collection(OwnLabs.Name)]
public sealed class BgpTests : IAsyncLifetime
{
    private readonly Lab _lab = new("bgptest");

    public async ValueTask InitializeAsync()
    {
        _lab.Up("--protocol bgp");
        foreach (var file in (string[])["myweb-rs.yaml", "myweb-svc-lb.yaml"])
            _lab.Kubectl($"create -f {Path.Combine(Repository.Root, "examples", "article", file)}").Succeeds();
        await AnnouncedAsync("192.168.150.240", 100, 101, 102);
    }

    public ValueTask DisposeAsync()
    {
        _lab.Down();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task ANodeWhoseProxyStandsStill_KeepsWhatItAnnounces_AndAnnouncesNothingNew()
    {
        var proxy = Processes.Of(_lab.Name, "portolan proxy").Single(pid => File.ReadAllText($"/proc/{pid}/environ").Split('\0').Contains("NODE_NAME=node1"));
        Shell.Run($"kill -STOP {proxy}").Succeeds();
        try
        {
            _lab.Kubectl("create service loadbalancer second --tcp=80:80").Succeeds();
            _lab.Kubectl("patch service second --type=merge -p '{\"spec\":{\"selector\":{\"app\":\"web\"}}}'").Succeeds();
            await AnnouncedAsync("192.168.150.241", 101, 102);
            await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
            await AnnouncedAsync("192.168.150.241", 101, 102);
            await AnnouncedAsync("192.168.150.240", 100, 101, 102);
        }
        finally
        {
            Shell.Run($"kill -CONT {proxy}").Succeeds();
        }

        await AnnouncedAsync("192.168.150.241", 100, 101, 102);
    }

    [Fact]
    public async Task EachSpeakerSaysWhatItMakesOfTheConfiguration_AlsoWhenTheObjectWasDeleted()
    {
        await SaysAsync("speaker-node2", "Valid", "");
        _lab.Kubectl("patch bfdprofile -n metallb-system default --type=merge -p '{\"spec\":{\"echoMode\":true}}'").Succeeds();
        foreach (var name in (string[])["controller", "speaker-node1", "speaker-node2", "speaker-node3"])
            await SaysAsync(name, "Valid", "BFDProfile default: spec.echoMode: true: has no effect");
        _lab.Kubectl("delete configurationstate -n metallb-system speaker-node2").Succeeds();
        await SaysAsync("speaker-node2", "Valid", "BFDProfile default: spec.echoMode: true: has no effect");
        Assert.Equal("Pod", _lab.Kubectl("get configurationstate speaker-node2 -n metallb-system -o jsonpath='{.metadata.ownerReferences[0].kind}'").Output);
        Assert.Contains("FieldWithoutEffect", _lab.Kubectl("get events -n metallb-system").Output, StringComparison.Ordinal);
    }

    private Task<string> AnnouncedAsync(string address, params int[] nodes) => Shell.EventuallyAsync(
        () => Task.FromResult(_lab.On("router", $"ip route show {address}").Output),
        routes => nodes.All(node => routes.Contains($"via 192.168.100.{node} ", StringComparison.Ordinal)) && routes.Split(" via ").Length - 1 == nodes.Length,
        20, $"{address} by way of {string.Join(", ", nodes)}");

    private Task<string> SaysAsync(string name, string result, string words) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync($"get configurationstate {name} -n metallb-system -o jsonpath='{{.status.result}}|{{.status.errorSummary}}'")).Output,
        said => said.StartsWith($"{result}|{words}", StringComparison.Ordinal),
        20, $"{name} to say {result}: {words}");
}
