namespace Portolan.EndToEnd.Tests;

/// <summary>Killed without warning, everything comes back by itself, no address changes, and traffic stops for nothing that does not carry it.</summary>
[Collection(LabCollection.Name)]
public sealed class CrashTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Theory]
    [InlineData("portolan controller")]
    [InlineData("portolan proxy")]
    [InlineData("portolan-lab apiserver")]
    [InlineData("portolan-lab controllers")]
    public async Task TrafficDoesNotNoticeTheDeathOf(string command)
    {
        await fixture.SpeakersReadyAsync();
        using var probe = new Probe(_lab, LabFixture.Vip);
        await probe.RunsAsync(10);
        foreach (var pid in Processes.Of(_lab.Name, command) is { Count: > 0 } pids ? pids : throw new InvalidOperationException($"nothing runs {command}"))
            Processes.KillHard(pid);
        await Shell.EventuallyAsync(() => Task.FromResult(Processes.Of(_lab.Name, command).Count), count => count > 0, 30, $"{command} back");
        await ControlWorksAsync();
        await probe.RunsAsync(20);
        var (asked, failed, gap) = await probe.StopAsync();
        Assert.True(failed == 0, $"{failed} of {asked} requests failed, the longest gap was {gap} ms");
        await AddressesUnchangedAsync();
    }

    [Fact]
    public async Task TheAddressAnswersAgainWhenTheAnnouncingSpeakerDies()
    {
        await fixture.SpeakersReadyAsync();
        foreach (var pid in Processes.Of(_lab.Name, "portolan speaker"))
            Processes.KillHard(pid);
        await _lab.AnswersAsync(LabFixture.Vip, 30);
        await fixture.SpeakersReadyAsync();
        await _lab.AnswersAsync(LabFixture.Vip, 5);
        await AddressesUnchangedAsync();
    }

    /// <summary>A Service made now gets its address: API server, controllers and load balancer controller all work.</summary>
    private async Task ControlWorksAsync()
    {
        try
        {
            await Shell.EventuallyAsync(() => Task.FromResult(_lab.Apply("apiVersion: v1\nkind: Service\nmetadata: {name: after}\nspec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 82, targetPort: 8080}]}")), outcome => outcome.ExitCode == 0, 20, "a Service accepted");
            await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get svc after")).Output, text => text.Contains("192.168.100.241", StringComparison.Ordinal), 60, "its address");
        }
        finally
        {
            _lab.Kubectl("delete svc after --ignore-not-found");
        }
    }

    private async Task AddressesUnchangedAsync() => await Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync("get svc myweb-svc-lb")).Output, text => text.Contains($" {LabFixture.Vip} ", StringComparison.Ordinal), 10, "the address it had");
}
