using System.Globalization;

using Portolan.Soak.LabCycles;

namespace Portolan.EndToEnd.Tests;

/// <summary>A few cycles of <c>./soak.sh lab-cycles</c>.</summary>
[Collection(LabCollection.Name)]
public sealed class LabCycleTests(ITestOutputHelper output)
{
    private static int Cycles => Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") == "1" ? 15 : 2;

    [Fact]
    public async Task TheMachineIsAsItWas_WhateverDied()
    {
        var seed = Environment.TickCount & 0xFFFF;
        output.WriteLine(seed.ToString(CultureInfo.InvariantCulture));
        Assert.Null(await new LabCyclesTrial(Path.Combine(Repository.Binaries, "portolan"), output.WriteLine).CycleAsync(Cycles, seed));
    }
}
