using System.Diagnostics;
using System.Globalization;

namespace Portolan.EndToEnd.Tests;

/// <summary>Three replicas of the controller: whatever becomes of the one that leads, addresses stay where they are and go on being given, each once.</summary>
[Collection(LabCollection.Name)]
public sealed class ReplicaTests(LabFixture fixture, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly string[] Before = ["before1", "before2", "before3"];
    private static readonly string[] After = ["after1", "after2"];
    private readonly Lab _lab = fixture.Lab;

    public async ValueTask InitializeAsync()
    {
        _lab.Kubectl("scale -n metallb-system deploy/controller --replicas 3").Succeeds();
        await ReadyAsync(3);
        foreach (var name in Before)
            _lab.Kubectl($"create service loadbalancer {name} --tcp=80:80").Succeeds();
        await AddressedAsync(Before);
    }

    public async ValueTask DisposeAsync()
    {
        _lab.Kubectl($"delete service --ignore-not-found {string.Join(' ', [.. Before, .. After])}").Succeeds();
        _lab.Kubectl("scale -n metallb-system deploy/controller --replicas 1").Succeeds();
        await ReadyAsync(1);
    }

    [Fact]
    public async Task TheLeaderIsKilled_AndItsAddressesStay()
    {
        var held = Addresses();
        Processes.KillHard(LeadersProcess());
        await CheckAsync("killed", held);
    }

    [Fact]
    public async Task TheLeaderStandsStillForLongerThanItsLease_AndFindsAnotherInItsPlace()
    {
        var held = Addresses();
        var leader = Leader();
        var process = LeadersProcess();
        Shell.Run($"kill -STOP {process}").Succeeds();
        try
        {
            await CheckAsync("stopped", held);
            Assert.NotEqual(leader, Leader());
        }
        finally
        {
            Shell.Run($"kill -CONT {process}").Succeeds();
        }

        // It learns that it leads no more, writes nothing, and stays a replica like the others.
        await Shell.EventuallyAsync(
            async () => (await _lab.KubectlAsync($"logs -n metallb-system {leader.Split('_')[0]} --tail=20")).Output, log => log.Contains("leads no more", StringComparison.Ordinal), 20, "the old leader's word that it leads no more");
        _lab.Kubectl("delete service before3").Succeeds();
        _lab.Kubectl("create service loadbalancer before3 --tcp=80:80").Succeeds();
        await AddressedAsync(Before);
        AssertNoneTwice(Addresses());
    }

    [Fact]
    public async Task TheLeaderIsDeleted_AndHandsOver()
    {
        var held = Addresses();
        var leader = Leader();
        _lab.Kubectl($"delete pod -n metallb-system {leader.Split('_')[0]} --wait=false").Succeeds();
        await CheckAsync("deleted", held);
        Assert.NotEqual(leader, Leader());
    }

    private async Task CheckAsync(string what, Dictionary<string, string> held)
    {
        var clock = Stopwatch.StartNew();
        foreach (var name in After)
            _lab.Kubectl($"create service loadbalancer {name} --tcp=80:80").Succeeds();
        await AddressedAsync(After);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"leader {what}: a Service created right after has its address {clock.Elapsed.TotalSeconds:0.0} s later"));
        var now = Addresses();
        foreach (var (name, address) in held)
            Assert.Equal(address, now[name]);
        AssertNoneTwice(now);
    }

    private static void AssertNoneTwice(Dictionary<string, string> addresses) => Assert.Equal(addresses.Count, addresses.Values.Distinct(StringComparer.Ordinal).Count());

    private Task AddressedAsync(string[] names) => Shell.EventuallyAsync(
        () => Task.FromResult(Addresses()), addresses => names.All(name => addresses.GetValueOrDefault(name) is { Length: > 0 }), 30, $"addresses for {string.Join(", ", names)}");

    private Task<string> ReadyAsync(int count) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync("get po -n metallb-system -l component=controller")).Output,
        pods => pods.Split('\n') is var lines && lines.Count(line => line.Contains(" 1/1 ", StringComparison.Ordinal)) == count && lines.Count(line => line.StartsWith("controller-", StringComparison.Ordinal)) == count,
        60, $"{count} controllers");

    private string Leader() => _lab.Kubectl("get lease -n metallb-system portolan-controller -o jsonpath='{.spec.holderIdentity}'").Succeeds().Output.Trim();

    // The pod's name is in its environment.
    private int LeadersProcess()
    {
        var pod = Leader().Split('_')[0];
        return Processes.Of(_lab.Name, "portolan controller").Single(pid => File.ReadAllText($"/proc/{pid}/environ").Split('\0').Contains($"METALLB_POD_NAME={pod}"));
    }

    private Dictionary<string, string> Addresses() => _lab.Kubectl("get svc -A -o jsonpath='{range .items[?(@.spec.type==\"LoadBalancer\")]}{.metadata.name}={.status.loadBalancer.ingress[0].ip}{\"\\n\"}{end}'").Succeeds().Lines
        .Select(line => line.Split('=')).Where(parts => parts is [_, { Length: > 0 }]).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
}
