namespace Portolan.EndToEnd.Tests;

/// <summary>A pod is a machine of its own.</summary>
[Collection(LabCollection.Name)]
public sealed class PodTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public void NothingAPodDoesReachesTheMachinesFiles()
    {
        var canary = $"/home/portolan-canary-{Environment.ProcessId}";
        File.WriteAllText(canary, "outside");
        try
        {
            _lab.Kubectl("run vandal --image ghcr.io/c1t1d0s7/network-multitool --restart=Never -- sleep 300").Succeeds();
            _lab.Kubectl("wait --for=condition=Ready pod/vandal --timeout=20s").Succeeds();
            // First without doing harm: what a pod writes must not be seen outside, or the rest would not be safe to try.
            _lab.Kubectl("exec vandal -- sh -c 'echo inside > /etc/portolan-inside; echo inside > /usr/portolan-inside; mkdir -p /home; echo inside > /home/portolan-inside'").Succeeds();
            Assert.False(File.Exists("/etc/portolan-inside") || File.Exists("/usr/portolan-inside") || File.Exists("/home/portolan-inside"));
            _lab.Kubectl($"exec vandal -- test -e {canary}").Fails();

            _lab.Kubectl("exec vandal -- rm -rf /home /etc").Succeeds();
            _lab.Kubectl("exec vandal -- sh -c 'test ! -e /etc/passwd && test ! -e /home'").Succeeds();
            Assert.Equal("outside", File.ReadAllText(canary));
            Assert.True(File.Exists("/etc/passwd"));
        }
        finally
        {
            File.Delete(canary);
            _lab.Kubectl("delete pod vandal --now");
        }
    }

    [Fact]
    public void APodHasItsOwnNameAddressAndResolver()
    {
        var pod = _lab.Kubectl("get po -l app=web -o jsonpath='{.items[0].metadata.name} {.items[0].status.podIP}'").Succeeds().Output.Split(' ');
        Assert.Equal(pod[0] + "\n", _lab.Kubectl($"exec {pod[0]} -- hostname").Succeeds().Output);
        Assert.Contains($"inet {pod[1]}/32", _lab.Kubectl($"exec {pod[0]} -- ip -o addr show eth0").Succeeds().Output);
        var resolver = _lab.Kubectl($"exec {pod[0]} -- cat /etc/resolv.conf").Succeeds().Output;
        Assert.Contains("nameserver 10.233.0.3", resolver);
        Assert.Contains("search default.svc.cluster.local svc.cluster.local cluster.local", resolver);
        Assert.Contains($"{pod[1]}\t{pod[0]}", _lab.Kubectl($"exec {pod[0]} -- cat /etc/hosts").Succeeds().Output);
        // Only what shares its pid namespace is to be seen.
        Assert.True(_lab.Kubectl($"exec {pod[0]} -- sh -c 'ls -d /proc/[0-9]*'").Succeeds().Lines.Length < 6);
    }

    [Fact]
    public async Task AnUnknownImageBacksOffAndSaysWhatThereIs()
    {
        try
        {
            _lab.Kubectl("run stranger --image example.com/unknown:1").Succeeds();
            await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get po stranger")).Output, text => text.Contains("ErrImagePull", StringComparison.Ordinal) || text.Contains("ImagePullBackOff", StringComparison.Ordinal), 15, "ErrImagePull");
            await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get po stranger")).Output, text => text.Contains("ImagePullBackOff", StringComparison.Ordinal), 40, "ImagePullBackOff");
            Assert.Contains("go-myweb", _lab.Kubectl("describe po stranger").Succeeds().Output);
        }
        finally
        {
            _lab.Kubectl("delete pod stranger --now");
        }
    }
}
