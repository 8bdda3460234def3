using Portolan.Core.Addresses;
using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

public sealed class AddressPolicyTests
{
    private static readonly AddressPoolPolicySpec Retains = new() { Name = "keep", RetainFor = "1h" };

    [Fact]
    public void WhoMayShareAnAddressGetsIt_WhenItIsReservedNoMore()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/32"));
        var (holder, other) = (Given.Service("holder").On(80).With("metallb.io/allow-shared-ip", "key"), Given.Service("other").On(81).With("metallb.io/allow-shared-ip", "key"));
        Assert.Equal("10.0.0.0", allocator.Set(holder));
        allocator.SetReservation(new AddressReservation { Name = "hand", Service = new ObjectKey("default", "somebody"), Addresses = [IpAddress.Parse("10.0.0.0")] });
        Assert.Equal("(Waiting)", allocator.Set(other));
        allocator.RemoveReservation("hand");
        Assert.Equal("10.0.0.0", allocator.Has("other"));
    }

    [Fact]
    public void ServiceThatIsMadeAnewGetsItsAddressBack()
    {
        var allocator = With(Retains, Given.Pool("p", "10.0.0.0/30"));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("a")));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("web")));
        allocator.RemoveService(Key("a"));
        allocator.RemoveService(Key("web"));
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("other")));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("web") with { Uid = "again" }));
        Assert.Equal("reserved for it", allocator.Current(Key("web"))!.Reason);
    }

    [Fact]
    public void ServiceOfAnotherUidSeenAtOnceGetsItsAddressBack()
    {
        var allocator = With(Retains, Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("a"));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("web")));
        allocator.RemoveService(Key("a"));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("web") with { Uid = "again" }));
    }

    [Fact]
    public void RetainedAddressIsFreeWhenItsTimeIsOver_AndGoesToWhoWaits()
    {
        var allocator = With(Retains, Given.Pool("p", "10.0.0.7/32"));
        allocator.Set(Given.Service("web"));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("next")));
        Assert.Empty(allocator.RemoveService(Key("web")));
        Assert.Equal(1000 + 3600, allocator.NextEnd);
        Assert.Empty(allocator.Advance(1000 + 3599));
        Assert.Equal("next", Assert.Single(allocator.Advance(1000 + 3600)).Service.Name);
        Assert.Equal("10.0.0.7", allocator.Has("next"));
        Assert.Equal(new PoolUse("p", 1, 0, 0, 0) { Services = 1 }, Assert.Single(allocator.Use()));
    }

    [Fact]
    public void RequestForWhatIsKeptForAnotherIsRefused_NamingTheReservationAndItsEnd()
    {
        var allocator = With(Retains, Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("web"));
        allocator.RemoveService(Key("web"));
        var wanting = Given.Service("thief").With("metallb.io/loadBalancerIPs", "10.0.0.0");
        Assert.Equal("(Waiting)", allocator.Set(wanting));
        var name = AddressReservation.NameFor(Key("web"));
        Assert.Equal($"10.0.0.0 is reserved for Service default/web until 1970-01-01T01:16:40Z (AddressReservation {name})", allocator.Current(Key("thief"))!.Reason);
        allocator.Advance(1000 + 3600);
        Assert.Equal("10.0.0.0", allocator.Has("thief"));
    }

    [Fact]
    public void RecordIsWrittenWhileTheServiceHolds_AndEndsWhenItHasGone()
    {
        var allocator = With(Retains, Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("web"));
        var (name, record) = Assert.Single(allocator.TakeReservationsToWrite());
        Assert.Equal((AddressReservation.NameFor(Key("web")), "10.0.0.0", null), (name, record!.Addresses[0].ToString(), record.ExpiresAt));
        allocator.Set(Given.Service("web").Holding("10.0.0.0"));
        Assert.Empty(allocator.TakeReservationsToWrite());
        allocator.RemoveService(Key("web"));
        Assert.Equal(4600, Assert.Single(allocator.TakeReservationsToWrite()).Value!.ExpiresAt);
        allocator.Advance(4600);
        Assert.Null(Assert.Single(allocator.TakeReservationsToWrite()).Value);
    }

    [Fact]
    public void ControllerThatWasAwayHonoursTheRecord()
    {
        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(Given.Pool("p", "10.0.0.0/30")));
        restarted.SetPolicies(PolicySet.Empty.Update([Retains]));
        restarted.SetReservation(new AddressReservation { Name = AddressReservation.NameFor(Key("again")), Service = Key("again"), Addresses = [IpAddress.Parse("10.0.0.1")], IsManaged = true });
        restarted.SetReservation(new AddressReservation { Name = AddressReservation.NameFor(Key("gone")), Service = Key("gone"), Addresses = [IpAddress.Parse("10.0.0.0")], IsManaged = true });
        restarted.SetService(Given.Service("a") with { CreatedAt = 1 });
        restarted.SetService(Given.Service("again") with { CreatedAt = 2 });
        restarted.Advance(5000);
        restarted.Start();
        Assert.Equal(("10.0.0.2", "10.0.0.1"), (restarted.Has("a"), restarted.Has("again")));
        Assert.Equal(5000 + 3600, restarted.Reservations.Single(reservation => reservation.Service == Key("gone")).ExpiresAt);
    }

    [Fact]
    public void WhatIsKeptForAServiceThatCameBackMeanwhileCountsBeforeAnybodyElseIsServed()
    {
        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(Given.Pool("p", "10.0.0.0/30")));
        restarted.SetPolicies(PolicySet.Empty.Update([Retains with { Quotas = [new NamespaceQuota([], [], 1)] }]));
        restarted.SetReservation(new AddressReservation { Name = AddressReservation.NameFor(Key("web")), Service = Key("web"), Addresses = [IpAddress.Parse("10.0.0.1")], IsManaged = true });
        restarted.SetService(Given.Service("another"));
        restarted.SetService(Given.Service("web"));
        restarted.Start();
        Assert.Equal(("(Waiting)", "10.0.0.1"), (restarted.Has("another"), restarted.Has("web")));
    }

    [Fact]
    public void FreedAddressRests_AlsoForWhoHadIt()
    {
        var allocator = With(new AddressPoolPolicySpec { Name = "rest", CoolDown = "10m" }, Given.Pool("p", "10.0.0.0/31"));
        allocator.Set(Given.Service("web"));
        allocator.RemoveService(Key("web"));
        Assert.Equal("10.0.0.1", allocator.Set(Given.Service("web") with { Uid = "again" }));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("next")));
        Assert.Equal(new PoolUse("p", 1, 0, 0, 0) { Services = 1 }, Assert.Single(allocator.Use()));
        allocator.Advance(1000 + 600);
        Assert.Equal("10.0.0.0", allocator.Has("next"));
    }

    [Fact]
    public void AddressThatASharerStillHasDoesNotRest()
    {
        var allocator = With(new AddressPoolPolicySpec { Name = "rest", CoolDown = "10m" }, Given.Pool("p", "10.0.0.0/31"));
        allocator.Set(Given.Service("a").With("metallb.io/allow-shared-ip", "k"));
        allocator.Set(Given.Service("b").With("metallb.io/allow-shared-ip", "k").On(81));
        allocator.RemoveService(Key("a"));
        Assert.DoesNotContain(allocator.Reservations, reservation => reservation.Service is null);
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("c").With("metallb.io/allow-shared-ip", "k").On(82)));
    }

    [Fact]
    public void ReservationByHandKeepsTheAddressForItsService_AndWhoHoldsItKeepsIt()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30"));
        allocator.Set(Given.Service("early"));
        allocator.SetReservation(new AddressReservation { Name = "one", Service = Key("web"), Addresses = [IpAddress.Parse("10.0.0.0")] });
        allocator.SetReservation(new AddressReservation { Name = "printer", Addresses = [IpAddress.Parse("10.0.0.1")] });
        Assert.Equal("10.0.0.2", allocator.Set(Given.Service("x")));
        Assert.Equal("10.0.0.0", allocator.Has("early"));
        allocator.RemoveService(Key("early"));
        Assert.Equal("10.0.0.3", allocator.Set(Given.Service("y")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web")));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("z").With("metallb.io/loadBalancerIPs", "10.0.0.1")));
        Assert.Equal("10.0.0.1 is given to nobody (AddressReservation printer)", allocator.Current(Key("z"))!.Reason);
        Assert.Equal("z", Assert.Single(allocator.RemoveReservation("printer")).Service.Name);
    }

    [Fact]
    public void DeletedRecordOfAGoneServiceGivesTheAddressFree()
    {
        var allocator = With(Retains, Given.Pool("p", "10.0.0.7/32"));
        allocator.Set(Given.Service("web"));
        allocator.RemoveService(Key("web"));
        allocator.Set(Given.Service("next"));
        Assert.Equal("next", Assert.Single(allocator.RemoveReservation(AddressReservation.NameFor(Key("web")))).Service.Name);
        allocator.TakeReservationsToWrite();
        allocator.RemoveReservation(AddressReservation.NameFor(Key("next")));
        Assert.Equal(AddressReservation.NameFor(Key("next")), Assert.Single(allocator.TakeReservationsToWrite()).Key);
    }

    [Fact]
    public void NamespaceGetsNoMoreThanItsQuota_AndIsToldSo()
    {
        var allocator = With(new AddressPoolPolicySpec { Name = "few", Quotas = [new NamespaceQuota(["default"], [], 2)] }, Given.Pool("p", "10.0.0.0/29"), Given.Pool("q", "10.0.1.0/29"));
        allocator.Set(Given.Service("a"));
        allocator.Set(Given.Service("b").With("metallb.io/address-pool", "q"));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("c")));
        Assert.Equal("the quota is used up: namespace default may have 2 addresses of IPAddressPools p, q (AddressPoolPolicy few), and has 2", allocator.Current(Key("c"))!.Reason);
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("d").With("metallb.io/loadBalancerIPs", "10.0.0.5")));
        allocator.SetService(Given.Service("far") with { Key = new ObjectKey("elsewhere", "far") });
        Assert.Equal(Outcome.Assigned, allocator.Current(new ObjectKey("elsewhere", "far"))!.Outcome);
        Assert.Equal("c", Assert.Single(allocator.RemoveService(Key("b"))).Service.Name);
    }

    [Fact]
    public void SharedAddressCountsOnceInItsNamespace()
    {
        var allocator = With(new AddressPoolPolicySpec { Name = "few", Quotas = [new NamespaceQuota([], [], 1)] }, Given.Pool("p", "10.0.0.0/29"));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("a").With("metallb.io/allow-shared-ip", "k")));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("b").With("metallb.io/allow-shared-ip", "k").On(81)));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("c").With("metallb.io/allow-shared-ip", "k").On(81)));
    }

    [Fact]
    public void QuotaTakesNothingFromWhoHasMore_AndKeptAddressesCount()
    {
        var allocator = With(Retains, Given.Pool("p", "10.0.0.0/29"));
        allocator.Set(Given.Service("a"));
        allocator.Set(Given.Service("b"));
        allocator.SetPolicies(PolicySet.Empty.Update([Retains, new AddressPoolPolicySpec { Name = "few", Quotas = [new NamespaceQuota([], [], 1)] }]));
        Assert.Equal(("10.0.0.0", "10.0.0.1"), (allocator.Has("a"), allocator.Has("b")));
        allocator.RemoveService(Key("a"));
        allocator.RemoveService(Key("b"));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("c")));
        Assert.EndsWith("and has 2, of them 2 kept for Services that are gone", allocator.Current(Key("c"))!.Reason, StringComparison.Ordinal);
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("a") with { Uid = "again" }));
        allocator.RemoveReservation(AddressReservation.NameFor(Key("b")));
        Assert.Equal("10.0.0.0", allocator.Has("a"));
    }

    [Fact]
    public void DualStackServiceIsServedFromAPairOfPools_AndKeepsBothAfterARestart()
    {
        AddressPoolSpec[] pools = [Given.Pool("four", "10.0.0.0/30"), Given.Pool("six", "fd00::/126")];
        var pair = new AddressPoolPolicySpec { Name = "pair", IPAddressPools = ["four"], PairWith = "six" };
        var dual = Given.Service("dual", "10.233.0.1", "fd99::1") with { IpFamilyPolicy = IpFamilyPolicy.RequireDualStack };
        Assert.Equal("(Waiting)", Given.Allocator(pools).Set(dual));
        var allocator = With(pair, pools);
        Assert.Equal("10.0.0.0,fd00::", allocator.Set(dual));
        Assert.Equal("four", allocator.Current(dual.Key)!.Pool);
        Assert.Equal("10.0.0.1,fd00::1", allocator.Set(Given.Service("prefer", "fd99::1", "10.233.0.1") with { IpFamilyPolicy = IpFamilyPolicy.PreferDualStack, IpFamilies = [IpFamily.IPv6, IpFamily.IPv4] }));
        Assert.Equal("10.0.0.3,fd00::3", allocator.Set((dual with { Key = Key("asks") }).With("metallb.io/loadBalancerIPs", "10.0.0.3,fd00::3")));
        Assert.Equal("10.0.0.2,fd00::2", allocator.Set((dual with { Key = Key("names") }).With("metallb.io/address-pool", "six")));

        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(pools));
        restarted.SetPolicies(PolicySet.Empty.Update([pair]));
        restarted.SetService(dual.Holding("10.0.0.0", "fd00::"));
        Assert.Empty(Assert.Single(restarted.Start()).Events);
        Assert.Equal("10.0.0.0,fd00::", restarted.Has("dual"));
    }

    [Fact]
    public void GuardedPoolGivesOutNothingWhileItCoversANode_AndWhoHoldsKeeps()
    {
        var allocator = With(new AddressPoolPolicySpec { Name = "guard", Guard = new GuardSpec(true, true, true, ["10.9.0.0/16"]) }, Given.Pool("p", "10.0.0.0/29"), Given.Pool("free", "10.5.0.0/29") with { AutoAssign = false });
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("early")));
        allocator.SetNode("node1", new NodeFacts { Name = "node1", InternalIPs = [IpAddress.Parse("10.0.0.5")] });
        Assert.Equal(new RefusedPool("p", new FieldError("spec.addresses[0]", "10.0.0.0-10.0.0.7", "must not cover 10.0.0.5, an address of Node node1; nothing of the pool is given out until it does not")), Assert.Single(allocator.RefusedPools));
        Assert.Equal("10.0.0.0", allocator.Has("early"));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("late")));
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("asks").With("metallb.io/loadBalancerIPs", "10.0.0.2")));
        Assert.Contains("which is refused: spec.addresses[0]: 10.0.0.0-10.0.0.7: must not cover 10.0.0.5", allocator.Current(Key("asks"))!.Reason, StringComparison.Ordinal);
        Assert.Equal(2, allocator.SetNode("node1", null).Count(decision => decision.Service != Key("early")));
        Assert.Equal("10.0.0.1", allocator.Has("late"));
    }

    [Theory]
    [InlineData("10.9.0.0/29", "10.9.0.0-10.9.255.255, which AddressPoolPolicy guard guards")]
    [InlineData("10.244.3.0/29", "the pods of Node node1 in 10.244.3.0/24")]
    [InlineData("10.233.0.0/24", "10.233.0.9, the cluster IP of Service default/web")]
    public void GuardKnowsRangesPodsAndClusterIPs(string range, string what)
    {
        var allocator = With(new AddressPoolPolicySpec { Name = "guard", Guard = new GuardSpec(true, true, true, ["10.9.0.0/16"]) }, Given.Pool("p", range));
        allocator.SetNode("node1", new NodeFacts { Name = "node1", PodCIDRs = [IpPrefix.Containing(IpAddress.Parse("10.244.3.0"), 24)] });
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("web")));
        Assert.Contains(what, Assert.Single(allocator.RefusedPools).Error.Rule, StringComparison.Ordinal);
        allocator.SetPolicies(PolicySet.Empty);
        Assert.NotEqual("(Waiting)", allocator.Has("web"));
    }

    [Fact]
    public void OlderPolicyCounts_AndTheYoungerIsToldSo()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.7/32"));
        allocator.SetPolicies(PolicySet.Empty.Update([
            new AddressPoolPolicySpec { Name = "b", CreatedAt = 1, RetainFor = "1h" },
            new AddressPoolPolicySpec { Name = "a", CreatedAt = 2, RetainFor = "2h", IPAddressPools = ["p", "typo"], PairWith = "nowhere" }]));
        Assert.Equal([
            "a: spec.ipAddressPools[1]: typo: there is no such IPAddressPool in force",
            "a: spec.pairWith: nowhere: there is no such IPAddressPool in force",
            "a: spec.retainFor: 7200s: AddressPoolPolicy b is older and says 3600s for IPAddressPool p"], allocator.PolicyProblems.Select(problem => $"{problem.Policy}: {problem.Error}"));
    }

    [Fact]
    public void WrongPolicyIsReportedWithTheField_AndItsLastGoodVersionStays()
    {
        var good = PolicySet.Empty.Update([Retains]);
        var wrong = good.Update([Retains with { RetainFor = "soon", CoolDown = "-1s", PairWith = "p", IPAddressPools = ["p", "p"], Quotas = [new NamespaceQuota(["a", "a"], [], -1)], Guard = new GuardSpec(true, false, false, ["10.0.0.1"]) }]);
        Assert.Equal(3600, Assert.Single(wrong.Policies).RetainFor);
        Assert.Equal([
            "spec.ipAddressPools[1]: p: is listed twice",
            "spec.retainFor: soon: must be a duration, e.g. 90s, 10m or 24h",
            "spec.coolDown: -1s: must be 0s..8784h",
            "spec.quotas[0].namespaces[1]: a: is listed twice",
            "spec.quotas[0].addresses: -1: must be 0..2147483647",
            "spec.pairWith: p: a pool cannot be paired with itself",
            "spec.guard.cidrs[0]: 10.0.0.1: must be a CIDR block"], wrong.Problems.Select(problem => problem.Error.ToString()));
        Assert.All(wrong.Problems, problem => Assert.True(problem.PreviousInForce));
    }

    private static ObjectKey Key(string name) => new("default", name);

    private static Allocator With(AddressPoolPolicySpec policy, params AddressPoolSpec[] pools)
    {
        var allocator = Given.Allocator(pools);
        allocator.Advance(1000);
        allocator.SetPolicies(PolicySet.Empty.Update([policy]));
        return allocator;
    }
}
