using Portolan.Kubernetes.Leases;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Leases;

public sealed class LeaseElectionTests
{
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(100);
    private readonly LeaseElection _us = new("us", LeaseTiming.Default);

    [Fact]
    public void LooksFirst_ThenCreatesTheLeaseWhereThereIsNone()
    {
        Assert.Equal(LeaseAct.Read, _us.Next(At(0)).Act);
        _us.Observe(null, At(0));
        Assert.Equal(LeaseAct.Create, _us.Next(At(0)).Act);
        _us.Written(Lease("us", 1), At(0));
        Assert.True(_us.IsLeading);
        Assert.Equal(At(3), _us.LeadsUntil);
    }

    [Fact]
    public void LeavesAnothersLeaseAlone_ForAsLongAsItPromises_CountedFromWhenItWasSeen()
    {
        // Its own clock says that it ran out years ago.
        _us.Observe(Lease("them", 1, seconds: 10, renewed: DateTimeOffset.UnixEpoch), At(5));
        Assert.Equal((LeaseAct.Wait, At(15)), Step(At(5)));
        _us.Observe(Lease("them", 2, seconds: 10), At(9));
        Assert.Equal((LeaseAct.Wait, At(19)), Step(At(18.999)));
        _us.Observe(Lease("them", 2, seconds: 10), At(18.999));   // no news
        var step = _us.Next(At(19));
        Assert.Equal((LeaseAct.Update, "2"), (step.Act, step.Seen!.Metadata.ResourceVersion));
    }

    [Fact]
    public void TakesAReleasedLeaseAtOnce()
    {
        _us.Observe(Lease("them", 1), At(0));
        Assert.Equal(LeaseAct.Wait, _us.Next(At(0)).Act);
        _us.Observe(Lease("", 2, seconds: 1), At(0.5));
        Assert.Equal(LeaseAct.Update, _us.Next(At(0.5)).Act);
    }

    [Fact]
    public void GoesOnAtOnce_WhenTheLeaseIsItsOwnFromAnEarlierLife()
    {
        _us.Observe(Lease("us", 1), At(0));
        Assert.False(_us.IsLeading);
        Assert.Equal(LeaseAct.Update, _us.Next(At(0)).Act);
    }

    [Fact]
    public void RenewsEveryRetryPeriod_AndComesBackSoonerAfterAFailure()
    {
        Lead();
        Assert.Equal((LeaseAct.Wait, At(1)), Step(At(0.1)));
        Assert.Equal(LeaseAct.Update, _us.Next(At(1)).Act);
        _us.Failed(At(1.5));
        Assert.Equal((LeaseAct.Wait, At(1.75)), Step(At(1.5)));
        Assert.Equal((LeaseAct.Update, At(2.75)), Step(At(1.75)));
        Assert.Equal(At(3), Step(At(2.6)).Until);
    }

    [Fact]
    public void StepsDown_WhenItCouldNotRenewInTime()
    {
        Lead();
        _us.Failed(At(2.9));
        Assert.Equal((LeaseAct.Wait, At(3)), Step(At(2.9)));
        Assert.True(_us.IsLeading);
        Assert.Equal(LeaseAct.Read, _us.Next(At(3)).Act);
        Assert.False(_us.IsLeading);
    }

    [Fact]
    public void CountsARenewalFromBeforeItWasSent()
    {
        Lead();
        _us.Written(Lease("us", 2), At(1));
        Assert.Equal(At(4), _us.LeadsUntil);
    }

    [Fact]
    public void StepsDown_WhenAConflictShowsAnotherHolder()
    {
        Lead();
        _us.Conflicted(At(1));
        Assert.Equal(LeaseAct.Read, _us.Next(At(1)).Act);
        Assert.True(_us.IsLeading);
        _us.Observe(Lease("them", 5), At(1));
        Assert.False(_us.IsLeading);
        Assert.Equal("them", _us.Holder);
    }

    [Fact]
    public void GoesOnLeading_WhenSomebodyOnlyAnnotatedTheLease()
    {
        Lead();
        _us.Conflicted(At(1));
        _us.Observe(Lease("us", 5), At(1));
        var step = _us.Next(At(1));
        Assert.Equal((LeaseAct.Update, "5", true), (step.Act, step.Seen!.Metadata.ResourceVersion, _us.IsLeading));
    }

    [Fact]
    public void WaitsForTheHolderOfADeletedLease_WhoMayNotKnowYet()
    {
        _us.Observe(Lease("them", 1), At(0));
        _us.Observe(null, At(2));
        Assert.Equal((LeaseAct.Wait, At(6)), Step(At(2)));
        Assert.Equal(LeaseAct.Create, _us.Next(At(6)).Act);
    }

    [Fact]
    public void MakesTheLeaseAnew_WhenItIsDeletedUnderTheLeader()
    {
        Lead();
        _us.Conflicted(At(1));
        _us.Observe(null, At(1));
        Assert.Equal(LeaseAct.Create, _us.Next(At(1)).Act);
        Assert.True(_us.IsLeading);
    }

    [Fact]
    public void CountsChangesOfHands_AndKeepsTheDayItTookIt()
    {
        var day = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        _us.Observe(Lease("them", 7, transitions: 3), At(0));
        var taken = _us.Ours("ns", "name", day);
        Assert.Equal(("us", 4, 4, day, "7"), (taken.Spec!.HolderIdentity, taken.Spec.LeaseTransitions!.Value, taken.Spec.LeaseDurationSeconds!.Value, taken.Spec.AcquireTime!.Value, taken.Metadata.ResourceVersion));
        _us.Written(taken, At(1));
        var renewed = _us.Ours("ns", "name", day.AddSeconds(9));
        Assert.Equal((4, day, day.AddSeconds(9)), (renewed.Spec!.LeaseTransitions!.Value, renewed.Spec.AcquireTime!.Value, renewed.Spec.RenewTime!.Value));
    }

    [Theory]
    [InlineData(4, 3, 1, null)]
    [InlineData(15, 10, 2, null)]
    [InlineData(4.5, 3, 1, "whole number of seconds")]
    [InlineData(0, 0, 0, "whole number of seconds")]
    [InlineData(4, 4, 1, "renew deadline")]
    [InlineData(4, 3, 3, "retry period")]
    [InlineData(4, 3, 0, "50ms")]
    public void KnowsTimesThatCannotWork(double duration, double deadline, double retry, string? problem)
    {
        var said = new LeaseTiming(TimeSpan.FromSeconds(duration), TimeSpan.FromSeconds(deadline), TimeSpan.FromSeconds(retry)).Problem();
        if (problem is null)
            Assert.Null(said);
        else
            Assert.Contains(problem, said, StringComparison.Ordinal);
    }

    private void Lead()
    {
        _us.Observe(null, At(0));
        _us.Written(Lease("us", 1), At(0));
    }

    private (LeaseAct Act, TimeSpan Until) Step(TimeSpan now) => _us.Next(now) is var step ? (step.Act, step.Until) : default;

    private static TimeSpan At(double seconds) => Start + TimeSpan.FromSeconds(seconds);

    internal static Lease Lease(string holder, int version, int seconds = 4, int transitions = 0, DateTimeOffset? renewed = null) => new()
    {
        Metadata = new ObjectMeta { Name = "election", Namespace = "lab", ResourceVersion = version.ToString() },
        Spec = new LeaseSpec { HolderIdentity = holder, LeaseDurationSeconds = seconds, LeaseTransitions = transitions, RenewTime = renewed },
    };
}
