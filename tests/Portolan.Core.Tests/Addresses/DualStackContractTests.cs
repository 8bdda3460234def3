using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Addresses;

/// <summary>Families, in the three policies: docs/metallb-contract.md §2.</summary>
public sealed class DualStackContractTests
{
    private static readonly AddressPoolSpec _four = Given.Pool("four", "10.0.0.0/30");
    private static readonly AddressPoolSpec _six = Given.Pool("six", "fd00::/126");
    private static readonly AddressPoolSpec _both = Given.Pool("x-both", "10.0.1.0/30", "fd01::/126");

    [Contract("§2 single stack")]
    [Theory]
    [InlineData("10.233.0.1", IpFamilyPolicy.SingleStack, "10.0.0.0")]
    [InlineData("fd99::1", IpFamilyPolicy.SingleStack, "fd00::")]
    [InlineData("10.233.0.1", IpFamilyPolicy.PreferDualStack, "10.0.0.0")]
    [InlineData("fd99::1", IpFamilyPolicy.PreferDualStack, "fd00::")]
    public void OneClusterIPMeansOneAddressOfItsFamily_AlsoFromADualPool(string clusterIP, IpFamilyPolicy policy, string expected)
    {
        Assert.Equal(expected, Given.Allocator(_four, _six, _both).Set(Given.Service("web", clusterIP) with { IpFamilyPolicy = policy }));
        Assert.Contains(Given.Allocator(_both).Set(Given.Service("web", clusterIP) with { IpFamilyPolicy = policy }), (string[])["10.0.1.0", "fd01::"]);
    }

    [Contract("§2 RequireDualStack")]
    [Fact]
    public void RequireDualStackTakesBothFromOnePool()
    {
        Assert.Equal("10.0.1.0,fd01::", Given.Allocator(_four, _six, _both).Set(Require("web")));
        Assert.Equal("10.0.1.0,fd01::", Given.Allocator(_four, _six, _both).Set(Require("web") with { IpFamilies = [IpFamily.IPv6, IpFamily.IPv4] }));
        Assert.Equal("(Waiting)", Given.Allocator(_four, _six).Set(Require("web")));
    }

    [Contract("§2 RequireDualStack")]
    [Contract("§2 event family errors")]
    [Fact]
    public void RequireDualStackWithOneClusterIPIsAnErrorOfItsOwn()
    {
        var decision = Assert.Single(Given.Allocator(_both).SetService(Given.Service("web") with { IpFamilyPolicy = IpFamilyPolicy.RequireDualStack }));
        Assert.Equal(Outcome.Waiting, decision.Outcome);
        Assert.Equal(new ServiceEvent(true, "not enough clusterips", "ipFamilyPolicy is RequireDualStack, and 10.233.0.9 is the only cluster IP"), Assert.Single(decision.Events));
    }

    [Contract("§2 event family errors")]
    [Fact]
    public void ClusterIPsOfUnclearFamilyAreTold_AndCostNoAddress()
    {
        var allocator = Given.Allocator(_four);
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web")));
        var decision = Assert.Single(allocator.SetService(Given.Service("web", "10.233.0.1", "10.233.0.2")));
        Assert.Equal(("10.0.0.0", "noclusterIPsIPFamily"), (Assert.Single(decision.Addresses).ToString(), Assert.Single(decision.Events).Reason));
        Assert.Equal("spec.clusterIPs: 10.233.0.1, 10.233.0.2: must be one address, or one of each family", decision.Events[0].Message);
        Assert.Equal("(Waiting)", allocator.Set(Given.Service("new", "10.233.0.1", "10.233.0.2")));
    }

    [Contract("§2 event family errors")]
    [Theory]
    [InlineData("10.0.0.2", "10.0.0.2", "10.0.0.2")]
    [InlineData("10.0.0.2", "10.0.0.2", "198.51.100.1")]
    [InlineData("10.0.0.2", "198.51.100.1", "10.0.0.2")]
    [InlineData("10.0.0.0", "198.51.100.1", "198.51.100.2")]
    [InlineData("10.0.0.2", "10.0.0.2", "fd00::1", "198.51.100.1")]
    public void StatusThatIsNeitherOneNorOneOfEachIsTold_AndCostsNoAddressOfOurs(string expected, params string[] ingress)
    {
        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(_four));
        restarted.SetService(Given.Service("web").Holding(ingress));
        var decision = Assert.Single(restarted.Start());
        Assert.Equal(expected, Assert.Single(decision.Addresses).ToString());
        Assert.Equal((true, "nolbIPsIPFamily"), (decision.Events[0].IsWarning, decision.Events[0].Reason));
    }

    [Contract("§2 PreferDualStack")]
    [Fact]
    public void PreferDualStackTakesADualPoolFirst_WhateverItsRank() =>
        Assert.Equal("10.0.1.0,fd01::", Given.Allocator(_four with { Priority = 1 }, _six with { Priority = 2 }, _both with { Priority = 3 }).Set(Prefer("web")));

    [Contract("§2 PreferDualStack")]
    [Contract("§2 two single-family pools")]
    [Theory]
    [InlineData(IpFamily.IPv4, "10.0.0.0")]
    [InlineData(IpFamily.IPv6, "fd00::")]
    public void PreferDualStackTakesItsFirstFamily_WhereNoPoolHasBoth(IpFamily first, string expected)
    {
        var allocator = Given.Allocator(_four, _six);
        Assert.Equal(expected, allocator.Set(Prefer("web", first)));
        Assert.Equal(expected, allocator.Set(Prefer("web", first).With("note", "looked at again")));
    }

    [Contract("§2 PreferDualStack")]
    [Fact]
    public void PreferDualStackTakesItsSecondFamily_WhereTheFirstIsNotToBeHad() => Assert.Equal("fd00::", Given.Allocator(_six).Set(Prefer("web", IpFamily.IPv4)));

    [Contract("§2 PreferDualStack gains a family")]
    [Fact]
    public void PreferDualStackGainsTheOtherFamily_FromItsOwnPoolOnly()
    {
        var allocator = Given.Allocator(_four);
        Assert.Equal("10.0.0.0", allocator.Set(Prefer("web")));
        allocator.SetPools(allocator.Pools.Update([_four, _six, _both]));
        Assert.Equal("10.0.0.0", allocator.Has("web"));
        var decision = Assert.Single(allocator.SetPools(allocator.Pools.Update([_four with { Addresses = ["10.0.0.0/30", "fd02::/126"] }, _six, _both])));
        Assert.Equal("10.0.0.0,fd02::", allocator.Has("web"));
        Assert.Equal(new ServiceEvent(false, "IPAllocated", "Assigned additional IP \"fd02::\""), Assert.Single(decision.Events));
    }

    [Contract("§2 PreferDualStack gains a family")]
    [Fact]
    public void PreferDualStackGainsTheOtherFamily_WhenOneIsFreed()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/30", "fd00::1/128"));
        Assert.Equal("fd00::1", allocator.Set(Given.Service("six", "fd99::1")));
        Assert.Equal("10.0.0.0", allocator.Set(Prefer("web")));
        allocator.RemoveService(new ObjectKey("default", "six"));
        Assert.Equal("10.0.0.0,fd00::1", allocator.Has("web"));
    }

    [Contract("§2 event AdditionalAssignFailed")]
    [Fact]
    public void LackOfTheOtherFamilyIsTold_Once_AndNotAtEveryStart()
    {
        var allocator = Given.Allocator(_four);
        allocator.Set(Prefer("web"));
        var told = Assert.Single(Assert.Single(allocator.SetService(Prefer("web").Holding("10.0.0.0"))).Events);
        Assert.Equal(new ServiceEvent(false, "AdditionalAssignFailed", "cannot assign additional IP in PreferDualStack: no available IPv6 address in pool four"), told);
        Assert.Empty(Assert.Single(allocator.SetService(Prefer("web").Holding("10.0.0.0").With("note", "x"))).Events);

        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(_four));
        restarted.SetService(Prefer("web").Holding("10.0.0.0"));
        Assert.Empty(Assert.Single(restarted.Start()).Events);
    }

    [Contract("§2 PreferDualStack loses a family")]
    [Fact]
    public void PoolThatTurnsSingleIsLeftForAnotherDualOne()
    {
        var other = Given.Pool("y-both", "10.0.2.0/30", "fd02::/126");
        var allocator = Given.Allocator(_both, other);
        Assert.Equal("10.0.1.0,fd01::", allocator.Set(Prefer("web")));
        var decision = Assert.Single(allocator.SetPools(allocator.Pools.Update([_both with { Addresses = ["10.0.1.0/30"] }, other])));
        Assert.Equal("10.0.2.0,fd02::", allocator.Has("web"));
        Assert.Equal(["ClearAssignment", "IPAllocated"], decision.Events.Select(told => told.Reason));
    }

    [Contract("§2 PreferDualStack loses a family")]
    [Theory]
    [InlineData("10.0.1.0/30", "10.0.1.2")]
    [InlineData("fd01::/126", "fd01::2")]
    public void PoolThatTurnsSingleIsKept_WhereThereIsNoOtherDualOne(string left, string expected)
    {
        var allocator = Given.Allocator(_four, _six, _both);
        Assert.Equal("10.0.1.2,fd01::2", allocator.Set(Prefer("web").Holding("10.0.1.2", "fd01::2")));
        allocator.SetPools(allocator.Pools.Update([_four, _six, _both with { Addresses = [left] }]));
        Assert.Equal(expected, allocator.Has("web"));
    }

    [Contract("§2 released: family")]
    [Fact]
    public void AddressOfAFamilyThatTheServiceHasNotGoes()
    {
        var allocator = Given.Allocator(_four, _six);
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("web")));
        var decision = Assert.Single(allocator.SetService(Given.Service("web", "fd99::1")));
        Assert.Equal("fd00::", Assert.Single(decision.Addresses).ToString());
        Assert.Equal(["ClearAssignment", "IPAllocated"], decision.Events.Select(told => told.Reason));
        Assert.Equal("10.0.0.0", allocator.Set(Given.Service("next")));
    }

    [Contract("§2 released: family")]
    [Theory]
    [InlineData("10.233.0.1", "10.0.1.2", "fd01::")]
    [InlineData("fd99::1", "fd01::2", "10.0.1.0")]
    public void ServiceThatBecomesSingleStackKeepsTheAddressOfItsFamily_AndFreesTheOther(string clusterIP, string kept, string freed)
    {
        foreach (var restart in new[] { false, true })
        {
            var allocator = Given.Allocator(_both);
            if (restart)
                allocator.Set(Given.Service("web", clusterIP).Holding("10.0.1.2", "fd01::2"));
            else
                allocator.Set(Require("web").Holding("10.0.1.2", "fd01::2"));
            Assert.Equal(kept, allocator.Set(Given.Service("web", clusterIP)));
            Assert.Equal(freed, allocator.Set(Given.Service("next", clusterIP[0] == 'f' ? "10.233.0.2" : "fd99::2")));
        }
    }

    [Contract("§2 RequireDualStack")]
    [Fact]
    public void ServiceThatComesToRequireBothKeepsWhatItHas_WhereItsPoolHasTheOther()
    {
        var allocator = Given.Allocator(_both);
        Assert.Equal("10.0.1.2", allocator.Set(Given.Service("web").Holding("10.0.1.2")));
        Assert.Equal("10.0.1.2,fd01::", allocator.Set(Require("web")));
        var other = Given.Allocator(_four, _both);
        Assert.Equal("10.0.0.0", other.Set(Given.Service("web")));
        Assert.Equal("10.0.1.0,fd01::", other.Set(Require("web")));
        Assert.Equal("10.0.0.0", other.Set(Given.Service("next")));
    }

    [Contract("§2 two single-family pools")]
    [Fact]
    public void AddressesOfTwoPoolsAreNotOneHolding()
    {
        var restarted = new Allocator();
        restarted.SetPools(Given.Pools(_four, _six));
        restarted.SetService(Prefer("web").Holding("10.0.0.2", "fd00::2"));
        restarted.Start();
        Assert.Equal("10.0.0.2", restarted.Has("web"));
    }

    private static ServiceFacts Require(string name) => Given.Service(name, "10.233.0.1", "fd99::1") with { IpFamilyPolicy = IpFamilyPolicy.RequireDualStack };

    private static ServiceFacts Prefer(string name, IpFamily first = IpFamily.IPv4) => Given.Service(name, first is IpFamily.IPv4 ? ["10.233.0.1", "fd99::1"] : ["fd99::1", "10.233.0.1"]) with
    {
        IpFamilyPolicy = IpFamilyPolicy.PreferDualStack,
        IpFamilies = first is IpFamily.IPv4 ? [IpFamily.IPv4, IpFamily.IPv6] : [IpFamily.IPv6, IpFamily.IPv4],
    };
}
