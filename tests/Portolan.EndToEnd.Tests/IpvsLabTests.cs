using Portolan.Soak.LabCycles;

namespace Portolan.EndToEnd.Tests;

/// <summary>A lab whose nodes forward by IPVS, on a machine whose kernel has none.</summary>
[Collection(LabCollection.Name)]
public sealed class IpvsLabTests
{
    private const int WrongUsage = 2;
    private readonly Lab _lab = new("ipvs");

    [Fact]
    public async Task WhatTheKernelLacksIsSaid_AndTheWayOut_BeforeAnythingIsMade()
    {
        Assert.SkipWhen(Shell.Run("modprobe -q ip_vs; test -e /proc/net/ip_vs").ExitCode == 0, "this kernel has IPVS");
        var before = await MachineState.SnapshotAsync("ipvs");
        var refused = _lab.Portolan("lab up --name ipvs --proxy ipvs");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("lacks the module ip_vs", refused.Error);
        Assert.Contains("portolan lab up --proxy ipvs --vm -- COMMAND", refused.Error);
        Assert.Empty(refused.Output);
        Assert.Equal(before, await MachineState.SnapshotAsync("ipvs"));
    }

    [Theory]
    [InlineData("--vm", "portolan lab up --vm -- COMMAND")]
    [InlineData("--vm kubectl", "portolan lab up --vm -- kubectl")]
    [InlineData("-- kubectl", "belongs to --vm")]
    public void AMachineWithoutItsCommandIsWrongUsage(string options, string says)
    {
        var refused = _lab.Portolan($"lab up --name ipvs {options}");
        Assert.Equal(WrongUsage, refused.ExitCode);
        Assert.Contains(says, refused.Error);
    }
}
