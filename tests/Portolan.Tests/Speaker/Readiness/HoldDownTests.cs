using Portolan.Core.Announcements;
using Portolan.Speaker.Readiness;

namespace Portolan.Tests.Speaker.Readiness;

public sealed class HoldDownTests
{
    private const long Second = 1_000_000;
    private readonly HoldDown _holdDown = new();

    private static AnnouncementPolicy Policy(string name, int seconds, int longest = 600) =>
        new() { Name = name, HoldDown = TimeSpan.FromSeconds(seconds), MaxHoldDown = TimeSpan.FromSeconds(longest) };

    [Fact]
    public void HoldsBackFromTheComingOn_PolicyByPolicy()
    {
        _holdDown.SetPolicies([Policy("calm", 60), Policy("quick", 10), Policy("none", 0)]);
        Assert.Equal(["calm", "quick"], _holdDown.HeldBack(0).Order());
        Assert.Null(_holdDown.Deadline(0)); // time does not run before it came
        _holdDown.Came(100 * Second);
        Assert.Equal(["calm", "quick"], _holdDown.HeldBack(100 * Second).Order());
        Assert.Equal(110 * Second, _holdDown.Deadline(100 * Second));
        Assert.Equal(["calm"], _holdDown.HeldBack(110 * Second));
        Assert.Equal(160 * Second, _holdDown.Deadline(110 * Second));
        Assert.Empty(_holdDown.HeldBack(160 * Second));
        Assert.Null(_holdDown.Deadline(160 * Second));
        _holdDown.Left();
        Assert.Equal(["calm", "quick"], _holdDown.HeldBack(161 * Second).Order());
    }

    [Theory]
    [InlineData(0, 60)]
    [InlineData(1, 60)]
    [InlineData(2, 120)]
    [InlineData(3, 240)]
    [InlineData(4, 480)]
    [InlineData(5, 600)]
    [InlineData(int.MaxValue, 600)]
    public void DoublesWithEachDisappearance_UpToTheLongest(int disappearances, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), HoldDown.DurationOf(Policy("calm", 60), disappearances));

    [Fact]
    public void IsNotShortenedByALongestBelowIt() => Assert.Equal(TimeSpan.FromSeconds(60), HoldDown.DurationOf(Policy("calm", 60, longest: 10), 9));

    [Fact]
    public void DoesNotOverflow_HoweverLongAndOften() =>
        Assert.Equal(TimeSpan.MaxValue, HoldDown.DurationOf(new AnnouncementPolicy { Name = "ever", HoldDown = TimeSpan.FromDays(1), MaxHoldDown = TimeSpan.MaxValue }, int.MaxValue));

    [Fact]
    public void HearsLateHowOftenItWent_AndWaitsLonger()
    {
        _holdDown.SetPolicies([Policy("calm", 10)]);
        _holdDown.Came(0);
        _holdDown.SetDisappearances(3);
        Assert.Equal(40 * Second, _holdDown.Deadline(0));
        Assert.Equal(["calm"], _holdDown.HeldBack(39 * Second));
        _holdDown.SetDisappearances(-1); // a peer that cannot count
        Assert.Empty(_holdDown.HeldBack(39 * Second));
    }
}
