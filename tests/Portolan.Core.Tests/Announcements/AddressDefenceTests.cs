using Portolan.Core.Announcements;

namespace Portolan.Core.Tests.Announcements;

public sealed class AddressDefenceTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void DefendsOnceInTenSeconds()
    {
        var defence = new AddressDefence();
        Assert.Equal(ConflictAnswer.Defend, defence.Claimed(ConflictPolicy.Defend, isProbed: true, 0));
        Assert.Equal(ConflictAnswer.Bear, defence.Claimed(ConflictPolicy.Defend, isProbed: false, 1));
        Assert.Equal(ConflictAnswer.Bear, defence.Claimed(ConflictPolicy.Defend, isProbed: false, 10 * Second - 1));
        Assert.Equal(ConflictAnswer.Defend, defence.Claimed(ConflictPolicy.Defend, isProbed: false, 10 * Second));
    }

    [Fact]
    public void YieldsToTheSecondClaimWithinTenSeconds()
    {
        var defence = new AddressDefence();
        Assert.Equal(ConflictAnswer.Defend, defence.Claimed(ConflictPolicy.Yield, isProbed: true, 0));
        Assert.Equal(ConflictAnswer.Yield, defence.Claimed(ConflictPolicy.Yield, isProbed: false, 9 * Second));
    }

    [Fact]
    public void DefendsAgain_WhenTheSecondClaimComesLate()
    {
        var defence = new AddressDefence();
        defence.Claimed(ConflictPolicy.Yield, isProbed: false, 0);
        Assert.Equal(ConflictAnswer.Defend, defence.Claimed(ConflictPolicy.Yield, isProbed: false, 11 * Second));
    }

    [Fact]
    public void RefusesOnlyWhatIsFoundInUseWhenProbed()
    {
        var defence = new AddressDefence();
        Assert.Equal(ConflictAnswer.Yield, defence.Claimed(ConflictPolicy.Refuse, isProbed: true, 0));
        defence = new AddressDefence();
        Assert.Equal(ConflictAnswer.Defend, defence.Claimed(ConflictPolicy.Refuse, isProbed: false, 0));
        Assert.Equal(ConflictAnswer.Bear, defence.Claimed(ConflictPolicy.Refuse, isProbed: false, 1));
    }

    [Fact]
    public void AConflictIsOverAfterAMinuteOfQuiet()
    {
        var defence = new AddressDefence();
        Assert.False(defence.Settles(100 * Second));
        defence.Claimed(ConflictPolicy.Defend, isProbed: false, 0);
        defence.Claimed(ConflictPolicy.Defend, isProbed: false, 5 * Second);
        Assert.False(defence.Settles(64 * Second));
        Assert.True(defence.Settles(65 * Second));
        Assert.Null(defence.ClaimedAt);
        Assert.Equal(ConflictAnswer.Defend, defence.Claimed(ConflictPolicy.Yield, isProbed: false, 66 * Second));
    }
}
