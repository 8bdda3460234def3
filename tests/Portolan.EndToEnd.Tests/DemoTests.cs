using Portolan.Soak.LabCycles;

namespace Portolan.EndToEnd.Tests;

/// <summary>The walkthrough itself, as a user starts it.</summary>
[Collection(LabCollection.Name)]
public sealed class DemoTests
{
    [Fact]
    public Task TheWalkthroughHoldsFromFirstCommandToLast() => WalkAsync(Kubectls.Default);

    [Fact]
    public Task TheSecondModeHoldsToo()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/bird"), "needs the package bird2");
        return WalkAsync(Kubectls.Default, "bgp");
    }

    /// <summary>With the article's own proof at its end, under a kernel that has IPVS: this one, or a virtual machine's.</summary>
    [Fact]
    public async Task TheWalkthroughHoldsByIpvs()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") == "1", "a virtual machine takes its time: ./test.sh --long");
        await WalkAsync(Kubectls.Default, "ipvs", seconds: 1800);
    }

    [Theory]
    [MemberData(nameof(Kubectls.Rows), MemberType = typeof(Kubectls))]
    public async Task TheWalkthroughHoldsWithEveryKubectl(string kubectl)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") == "1", "half a minute for each kubectl: ./test.sh --long runs it");
        await WalkAsync(kubectl);
    }

    private static async Task WalkAsync(string kubectl, string mode = "", int seconds = 180)
    {
        var before = await MachineState.SnapshotAsync("walk");
        var outcome = Shell.Run($"./demo.sh {mode}".TrimEnd(), new Dictionary<string, string> { ["LAB"] = "walk", ["KUBECTL"] = kubectl }, seconds);
        Assert.SkipWhen(outcome.ExitCode == VirtualMachineTests.Unavailable, outcome.Error.Trim());
        outcome.Succeeds();
        Assert.Contains("All of it held", outcome.Output);
        Assert.Equal(before, await MachineState.SnapshotAsync("walk"));
    }
}
