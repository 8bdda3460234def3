namespace Portolan.EndToEnd.Tests;

/// <summary>The long trials, a little of each; the whole of them is for <c>./soak.sh</c>.</summary>
[Collection(LabCollection.Name)]
public sealed class SoakTests
{
    private static bool Long => Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") == "1";

    [Fact]
    public async Task TheApiServerLosesNothing_HoweverOftenItIsKilled()
    {
        var kills = Long ? 20 : 4;
        var trial = (await Shell.RunAsync($"./soak.sh api-kills {kills}", seconds: 600)).Succeeds();
        Assert.Equal("api-kills holds", trial.Lines[^1]);
    }

    [Fact]
    public async Task NoAddressIsDoubledLostOrMoved_HoweverOftenTheControllerIsKilled()
    {
        var kills = Long ? 40 : 8;
        var trial = (await Shell.RunAsync($"./soak.sh controller-kills {kills}", seconds: 600)).Succeeds();
        Assert.Equal("controller-kills holds", trial.Lines[^1]);
    }

    [Fact]
    public async Task NoRequestFails_WhileAllEndpointsAreReplaced()
    {
        var rollouts = Long ? 8 : 2;
        var trial = (await Shell.RunAsync($"./soak.sh proxy-rolling {rollouts}", seconds: 600)).Succeeds();
        Assert.Equal("proxy-rolling holds", trial.Lines[^1]);
    }

    [Fact]
    public async Task NoConnectionBreaks_HoweverOftenTheProxyEnds()
    {
        var kills = Long ? 40 : 6;
        var trial = (await Shell.RunAsync($"./soak.sh proxy-kills {kills}", seconds: 600)).Succeeds();
        Assert.Equal("proxy-kills holds", trial.Lines[^1]);
    }

    [Fact]
    public async Task AnAddressComesBack_WhenItsHolderDiesOrLosesItsCable()
    {
        var faults = Long ? 3 : 1;
        var trial = await Shell.RunAsync($"./soak.sh layer2-gaps {faults}", seconds: 600);
        // How soon is for a quiet machine to say.
        Assert.True(trial.ExitCode is 0 or 1 && trial.Lines[^1] is "layer2-gaps default holds" or "layer2-gaps default short", trial.All);
    }

    [Fact]
    public async Task TheRouterSendsNewConnectionsElsewhere_WhenANodeDies()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/bird"), "needs the package bird2");
        var trial = await Shell.RunAsync("./soak.sh bgp-gaps 1", seconds: 600);
        // How soon is for a quiet machine to say.
        Assert.True(trial.ExitCode is 0 or 1 && trial.Lines[^1] is "bgp-gaps holds" or "bgp-gaps short", trial.All);
    }

    [Fact]
    public async Task NobodyTakesOver_WhileTheMachineHasNothingLeft()
    {
        var minutes = Long ? 5 : 1;
        var trial = (await Shell.RunAsync($"./soak.sh layer2-saturation {minutes}", seconds: 900)).Succeeds();
        Assert.Equal("layer2-saturation holds", trial.Lines[^1]);
    }

    [Fact]
    public async Task NothingFails_WhenTheNodeThatHasAnAddressIsDrainedAndComesBack()
    {
        var drains = Long ? 10 : 2;
        var trial = (await Shell.RunAsync($"./soak.sh layer2-drains {drains}", seconds: 600)).Succeeds();
        Assert.Equal("layer2-drains holds", trial.Lines[^1]);
    }
}
