using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Core.Tests.Forwarding;

public sealed class SchedulingTests
{
    private static readonly ForwardingContext Here = new() { NodeName = "n0" };

    private static ServiceFacts Service(params (string Name, string Value)[] annotations) => new()
    {
        Key = new ObjectKey("default", "web"),
        ClusterIPs = [IpAddress.Parse("10.96.0.1")],
        Ports = [new ServicePort("", Protocol.Tcp, 80, 0)],
        Annotations = annotations.ToDictionary(annotation => "portolan.dev/" + annotation.Name, annotation => annotation.Value),
    };

    // Endpoint i is at 10.1.0.i, on node n<i>, in zone a where i is even, otherwise b.
    private static EndpointSliceFacts Slice(params int[] endpoints) => new()
    {
        Key = new ObjectKey("default", "web-1"),
        Service = new ObjectKey("default", "web"),
        Ports = [new EndpointPort("", Protocol.Tcp, 8080)],
        Endpoints = [.. endpoints.Select(i => new EndpointFacts { Address = IpAddress.V4(0x0a010000 + (uint)i), NodeName = $"n{i}", Zone = i % 2 == 0 ? "a" : "b" })],
    };

    private static RealServerChoice Choose(ServiceFacts service, params int[] endpoints) =>
        Assert.Single(ForwardingPlan.Of(service, [Slice(endpoints)], Here).Ports).Cluster;

    /// <summary>The last number of each address and its slots: <c>0:3 1:1</c>.</summary>
    private static string Shares(RealServerChoice choice) => string.Join(' ', choice.Slots
        .GroupBy(server => server).OrderBy(group => group.Key).Select(group => $"{(uint)group.Key.Address.Value & 0xffff}:{group.Count()}"));

    [Theory]
    [InlineData("zone/a=3", "0:3 1:1 2:3 3:1")]
    [InlineData("node/n1=2", "0:1 1:2 2:1 3:1")]
    [InlineData("zone/a=3, node/n2=0", "0:3 1:1 3:1")]
    [InlineData("zone/a=4,zone/b=2", "0:2 1:1 2:2 3:1")]
    [InlineData("zone/a=0", "1:1 3:1")]
    [InlineData("zone/a=0,zone/b=0", "0:1 1:1 2:1 3:1")]
    [InlineData("zone/elsewhere=9", "0:1 1:1 2:1 3:1")]
    [InlineData("", "0:1 1:1 2:1 3:1")]
    [InlineData("zone/a=100,zone/b=100,node/n3=50", "0:2 1:2 2:2 3:1")]
    public void WeighsEndpointsByZoneAndNode(string weights, string slots) => Assert.Equal(slots, Shares(Choose(Service(("weights", weights)), 0, 1, 2, 3)));

    [Fact]
    public void IgnoresWeights_WhereOnlyThisNodesEndpointsServe()
    {
        var service = Service(("weights", "node/n0=0")) with { InternalTrafficPolicy = TrafficPolicy.Local };
        Assert.Equal("0:1", Shares(Assert.Single(ForwardingPlan.Of(service, [Slice(0, 1)], Here).Ports).Local));
    }

    [Theory]
    [InlineData("weights", "zone/a=101", "metadata.annotations[portolan.dev/weights]: zone/a=101: a weight must be a number from 0 to 100")]
    [InlineData("weights", "zone/a=-1", "metadata.annotations[portolan.dev/weights]: zone/a=-1: a weight must be a number from 0 to 100")]
    [InlineData("weights", "zone/a=3,a=2", "metadata.annotations[portolan.dev/weights]: a=2: must be zone/NAME=WEIGHT or node/NAME=WEIGHT")]
    [InlineData("weights", "zone/=3", "metadata.annotations[portolan.dev/weights]: zone/=3: must be zone/NAME=WEIGHT or node/NAME=WEIGHT")]
    [InlineData("weights", "zone/a=3,zone/a=2", "metadata.annotations[portolan.dev/weights]: zone/a=2: has a weight twice")]
    [InlineData("scheduler", "fastest", "metadata.annotations[portolan.dev/scheduler]: fastest: must be random, maglev or a scheduler of IPVS (rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, mh, fo, ovf)")]
    [InlineData("ipvs-flags", "port,sticky", "metadata.annotations[portolan.dev/ipvs-flags]: port,sticky: must be a list of fallback, port and one-packet")]
    [InlineData("ipvs-forwarding", "1", "metadata.annotations[portolan.dev/ipvs-forwarding]: 1: must be masquerade, direct or tunnel")]
    [InlineData("maglev-table-size", "1000", "metadata.annotations[portolan.dev/maglev-table-size]: 1000: must be one of 251, 1021, 4093, 16381, 65521")]
    [InlineData("slow-start", "30", "metadata.annotations[portolan.dev/slow-start]: 30: must be a duration of 1s to 1h, such as 30s")]
    [InlineData("slow-start", "2h", "metadata.annotations[portolan.dev/slow-start]: 2h: must be a duration of 1s to 1h, such as 30s")]
    public void IsAsWithoutTheAnnotation_WhereItIsWrong(string name, string value, string error)
    {
        var plan = ForwardingPlan.Of(Service((name, value)), [Slice(0, 1, 2)], Here);
        Assert.Equal(error, Assert.Single(plan.Errors).ToString());
        Assert.Equal(ForwardingPlan.Of(Service(), [Slice(0, 1, 2)], Here).Ports, plan.Ports);
    }

    [Theory]
    [InlineData("scheduler", "wlc")]
    [InlineData("ipvs-flags", "one-packet")]
    [InlineData("ipvs-forwarding", "direct")]
    public void SaysWhatIsOfIpvs_WhereNftablesForwards(string name, string value)
    {
        var error = Assert.Single(ForwardingPlan.Of(Service((name, value)), [Slice(0, 1, 2)], Here).Errors);
        Assert.Equal(($"metadata.annotations[portolan.dev/{name}]", "is of IPVS, and this node's proxy forwards by nftables"), (error.Path, error.Rule));
        Assert.Empty(ForwardingPlan.Of(Service((name, value)), [Slice(0, 1, 2)], Here with { IsIpvs = true }).Errors);
    }

    [Fact]
    public void LeavesTheChoiceToIpvs_AndKeepsTheWeights()
    {
        var service = Service(("scheduler", "maglev"), ("weights", "node/n0=3"));
        var plan = Assert.Single(ForwardingPlan.Of(service, [Slice(0, 1)], Here with { IsIpvs = true }).Ports);
        Assert.Equal("mh", plan.Ipvs.Scheduler);
        Assert.Equal("0:3 1:1", Shares(plan.Cluster));
    }

    [Fact]
    public void TellsOfWrongAnnotationsOnce_WhereAnEndpointIs()
    {
        var index = new ForwardingIndex(Here);
        index.Set(Service(("scheduler", "rr")));
        index.Set(Slice(1));
        index.TakeChanges();
        Assert.Empty(index.TakeErrors());
        index.Set(Slice(0, 1));
        index.TakeChanges();
        Assert.Equal("default/web", Assert.Single(index.TakeErrors()).Service.Key.ToString());
        index.Set(Slice(0));
        index.TakeChanges();
        Assert.Empty(index.TakeErrors());
        index.Set(Service(("scheduler", "wrr")));
        index.TakeChanges();
        Assert.Equal("wrr", Assert.Single(index.TakeErrors()).Errors[0].Value);
        index.Set(Service());
        index.TakeChanges();
        Assert.Empty(index.TakeErrors());
    }

    [Fact]
    public void RoundsShares_WhereWeightsWouldTakeTooManySlots()
    {
        // 49 of weight 100, one of 99, one of 1: exactly that would be 5,000 slots.
        var weights = string.Join(',', Enumerable.Range(0, 49).Select(i => $"node/n{i}=100").Concat(["node/n49=99", "node/n50=1"]));
        var choice = Choose(Service(("weights", weights)), [.. Enumerable.Range(0, 51)]);
        Assert.InRange(choice.Slots.Count, 1000, 1030);
        var counts = choice.Slots.GroupBy(server => (int)(uint)server.Address.Value & 0xffff).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal(1, counts[50]);
        for (var i = 0; i < 50; i++)
            Assert.InRange(counts[i] - (1024 * (i == 49 ? 99 : 100) / 5000.0), -1, 1);
    }

    [Fact]
    public void FillsATableByMaglev_TheSameWhateverTheOrderOfSlices()
    {
        var service = Service(("scheduler", "maglev"), ("maglev-table-size", "251"), ("weights", "node/n2=0"));
        var choice = Choose(service, 0, 1, 2, 3);
        Assert.Equal((Scheduler.Maglev, 251), (choice.Scheduler, choice.Slots.Count));
        Assert.Equal(["0", "1", "3"], Shares(choice).Split(' ').Select(share => share.Split(':')[0]));
        Assert.Equal(choice, Choose(service, 3, 0, 2, 1));
        Assert.NotEqual(choice, Choose(service, 3, 0, 1, 4));
    }

    [Fact]
    public void GivesANewEndpointMoreBySteps()
    {
        var index = new ForwardingIndex(Here);
        index.Set(Service(("slow-start", "9s")));
        index.Set(Slice(0, 1));
        Assert.Equal("0:1 1:1", Take());
        Assert.Null(index.NextStep);
        Advance(100);
        index.Set(Slice(0, 1, 2));
        Assert.Equal("0:10 1:10 2:1", Take());
        Assert.Equal(TimeSpan.FromSeconds(101), index.NextStep);
        Advance(100.9);
        Assert.Null(Take());
        Advance(101);
        Assert.Equal("0:5 1:5 2:1", Take());
        Advance(104);
        Assert.Equal("0:2 1:2 2:1", Take());
        Advance(108);
        Assert.Equal("0:10 1:10 2:9", Take());
        Advance(109);
        Assert.Equal("0:1 1:1 2:1", Take());
        Assert.Null(index.NextStep);

        void Advance(double seconds) => index.Advance(TimeSpan.FromSeconds(seconds));

        string? Take() => index.TakeChanges() is [var change] ? Shares(change.New!.Cluster) : null;
    }

    [Fact]
    public void StartsSlowlyAgain_WhatWasNotReadyForAWhile()
    {
        var index = new ForwardingIndex(Here);
        index.Set(Service(("slow-start", "1m"), ("weights", "node/n1=2")));
        index.Set(Slice(0, 1));
        index.TakeChanges();
        index.Advance(TimeSpan.FromHours(1));
        index.Set(Slice(0));
        index.TakeChanges();
        index.Set(Slice(0, 1));
        Assert.Equal("0:5 1:1", Shares(Assert.Single(index.TakeChanges()).New!.Cluster));
    }

    [Fact]
    public void StepsAtMostOnceASecond_AndOnlyWhileAnEndpointIsNew()
    {
        var index = new ForwardingIndex(Here);
        index.Set(Service(("slow-start", "2s")));
        index.Set(Slice(0));
        index.TakeChanges();
        index.Set(Slice(0, 1));
        index.TakeChanges();
        var changes = 0;
        for (var tick = 1; tick <= 100; tick++)
        {
            index.Advance(TimeSpan.FromMilliseconds(100 * tick));
            changes += index.TakeChanges().Count;
        }

        Assert.Equal(2, changes);
        Assert.Null(index.NextStep);
    }
}
