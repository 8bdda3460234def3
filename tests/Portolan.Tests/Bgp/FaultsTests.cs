using Portolan.Bgp;

namespace Portolan.Tests.Bgp;

public sealed class FaultsTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void PausesGrowFromASecondToAMinute()
    {
        var faults = Faults.None;
        Assert.Equal(0, faults.Pause);
        var pauses = new List<long>();
        for (var now = 5 * Second; pauses.Count < 9; now = faults.Until)
        {
            faults = faults.Another(now);
            Assert.Equal(now + faults.Pause, faults.Until);
            pauses.Add(faults.Pause / Second);
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], pauses);
        Assert.Equal(9, faults.Count);
    }

    [Fact]
    public void WhatWentWellForTenMinutesBeginsWithASecondAgain()
    {
        var faults = Faults.None.Another(0).Another(Second).Another(3 * Second);
        Assert.Equal(8 * Second, faults.Another((3 + 599) * Second).Pause);
        Assert.Equal(Second, faults.Another((3 + 600) * Second).Pause);
        Assert.Equal(4, faults.Another((3 + 600) * Second).Count);
    }

    [Fact]
    public void NeverOverflows()
    {
        var faults = Faults.None;
        for (var i = 0; i < 5000; i++)
            faults = faults.Another(i);
        Assert.Equal((60 * Second, 5000L), (faults.Pause, faults.Count));
    }
}
