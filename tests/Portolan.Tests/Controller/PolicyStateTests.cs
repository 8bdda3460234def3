using System.Text.Json;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Tests.Controller;

public sealed class PolicyStateTests
{
    private readonly ControllerState _state = New();

    [Fact]
    public void NothingIsDecidedBeforePoliciesAndReservationsAreListed_OrKnownToBeAbsent()
    {
        _state.On(Added(ControllerStateTests.Pool("lab", "10.0.0.0/30")));
        _state.On(Added(ControllerStateTests.Service("web")));
        Start(_state);
        Assert.False(_state.IsStarted);
        Assert.Empty(_state.Listed("addresspoolpolicies").Decisions);
        Assert.Equal("10.0.0.0", Assert.Single(_state.Listed("addressreservations").Decisions).Addresses[0].ToString());
        Assert.Empty(_state.Listed("addressreservations").Decisions);
        Assert.Empty(_state.Allocator.TakeReservationsToWrite());
    }

    [Fact]
    public void RecordsOfTheControllerBeforeAreHonoured()
    {
        _state.On(Added(ControllerStateTests.Pool("lab", "10.0.0.0/30")));
        _state.On(Added(Policy("keep", new PolicyObjectSpec { RetainFor = "1h" })));
        var had = new AddressReservation { Name = AddressReservation.NameFor(new ObjectKey("default", "web")), Service = new ObjectKey("default", "web"), Addresses = [IpAddress.Parse("10.0.0.2")], IsManaged = true };
        _state.On(Added(had.ToObject("metallb-system").Deserialize<ReservationObject>(Kinds.AddressReservations.Json)!));
        _state.On(Added(ControllerStateTests.Service("web")));
        _state.On(Added(ControllerStateTests.Service("other")));
        Finish(_state);
        Assert.Equal(("10.0.0.2", "10.0.0.0"), (Address("web"), Address("other")));

        // Another leads meanwhile, and then this one again.
        _state.StepDown();
        _state.On(Deleted(ControllerStateTests.Service("web")));
        _state.On(Deleted(ControllerStateTests.Service("other")));
        _state.At(1000);
        _state.Lead();
        Assert.Equal(4600, _state.Allocator.Reservations.Single(reservation => reservation.Service?.Name == "web").ExpiresAt);
        _state.On(Added(ControllerStateTests.Service("third")));
        _state.On(Added(ControllerStateTests.Service("web")));
        Assert.Equal(("10.0.0.2", "10.0.0.0"), (Address("web"), Address("third")));
    }

    [Fact]
    public void OwnDeletionIsNoWish_AndAUsersIs()
    {
        _state.On(Added(ControllerStateTests.Pool("lab", "10.0.0.7/32")));
        _state.On(Added(Policy("keep", new PolicyObjectSpec { RetainFor = "1h" })));
        Finish(_state);
        _state.On(Added(ControllerStateTests.Service("web")));
        _state.On(Deleted(ControllerStateTests.Service("web")));
        _state.On(Added(ControllerStateTests.Service("next")));
        var record = _state.Allocator.Reservations.Single().ToObject("metallb-system").Deserialize<ReservationObject>(Kinds.AddressReservations.Json)!;
        _state.On(Added(record));
        Assert.Empty(_state.On(Deleted(record), isOurs: true).Decisions);
        Assert.Equal("next", Assert.Single(_state.On(Deleted(record)).Decisions).Service.Name);
    }

    [Fact]
    public void WhatIsWrongIsReportedOnTheObject()
    {
        _state.On(Added(ControllerStateTests.Pool("lab", "10.0.0.0/30")));
        Finish(_state);
        var problem = Assert.Single(_state.On(Added(Policy("soon", new PolicyObjectSpec { RetainFor = "soon" }))).Configuration!);
        Assert.Equal(("AddressPoolPolicy soon: spec.retainFor: soon: must be a duration, e.g. 90s, 10m or 24h", Standing.NotInForce), (problem.ToString(), problem.Standing));
        Assert.True(_state.IsStale);
        _state.On(Deleted(Policy("soon", new PolicyObjectSpec())));
        Assert.False(_state.IsStale);
        var wrong = new ReservationObject { Metadata = Meta("wrong"), Spec = new ReservationObjectSpec { Addresses = ["ten", "10.0.0.1", "10.0.0.2"], Service = new ServiceReference { Name = "web" }, ExpiresAt = "soon" } };
        Assert.Equal([
            "AddressReservation wrong: spec.addresses[0]: ten: not an IP address",
            "AddressReservation wrong: spec.addresses[2]: 10.0.0.2: a Service has one address of a family",
            "AddressReservation wrong: spec.service: namespace and name are required",
            "AddressReservation wrong: spec.expiresAt: soon: not a date and time, e.g. 2027-01-31T12:00:00Z"], _state.On(Added(wrong)).Configuration!.Select(found => found.ToString()));
    }

    [Fact]
    public void GuardWaitsForTheNodes_AndRefusesThePoolThatCoversOne()
    {
        _state.On(Added(ControllerStateTests.Pool("lab", "10.0.0.0/30")));
        _state.On(Added(Policy("guard", new PolicyObjectSpec { Guard = new PoolGuardSpec { Nodes = true } })));
        _state.On(Added(ControllerStateTests.Service("web")));
        Finish(_state);
        Assert.False(_state.IsStarted);
        _state.On(Added(new Node { Metadata = new ObjectMeta { Name = "n1" }, Status = new NodeStatus { Addresses = [new NodeAddress { Type = "InternalIP", Address = "10.0.0.1" }] } }));
        var started = _state.On(new Change<Node>(ChangeKind.Synced, default, null, null));
        Assert.Equal("no IPAddressPool is for this Service, and lab is refused: see the events of the pools", Assert.Single(started.Decisions).Reason);
        Assert.StartsWith("IPAddressPool lab: spec.addresses[0]: 10.0.0.0-10.0.0.3: must not cover 10.0.0.1, an address of Node n1", Assert.Single(started.Configuration!).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void PolicyIsReadFromItsJson()
    {
        var policy = JsonSerializer.Deserialize("""
            {"metadata":{"name":"all","creationTimestamp":"1970-01-01T00:00:07Z"},"spec":{"ipAddressPools":["a"],"ipAddressPoolSelectors":[{"matchLabels":{"x":"y"}}],"retainFor":"24h","coolDown":"10m","pairWith":"six",
             "quotas":[{"namespaces":["red"],"namespaceSelectors":[{"matchExpressions":[{"key":"team","operator":"Near"}]}],"addresses":3},{}],"guard":{"nodes":true,"services":true,"cidrs":["10.0.0.0/8"]}}}
            """, Kinds.AddressPoolPolicies.Json)!.ToSpec();
        Assert.Equal(("all", 7, "24h", "10m", "six"), (policy.Name, policy.CreatedAt, policy.RetainFor, policy.CoolDown, policy.PairWith));
        Assert.Equal(3, policy.Quotas[0].Addresses);
        Assert.True(policy.Guard is { Nodes: true, Pods: false, Services: true, Cidrs: ["10.0.0.0/8"] });
        Assert.Equal(["spec.quotas[0].namespaceSelectors[0].matchExpressions[0].operator: Near: must be In, NotIn, Exists or DoesNotExist", "spec.quotas[1].addresses: is required"], policy.ReadErrors.Select(error => error.ToString()));
    }

    private static ControllerState New()
    {
        var state = new ControllerState(null);
        state.Await(Kinds.AddressPoolPolicies.Plural);
        state.Await(Kinds.AddressReservations.Plural);
        return state;
    }

    private static void Start(ControllerState state)
    {
        state.On(new Change<Service>(ChangeKind.Synced, default, null, null));
        state.On(new Change<Namespace>(ChangeKind.Synced, default, null, null));
        state.On(new Change<IPAddressPool>(ChangeKind.Synced, default, null, null));
    }

    private static void Finish(ControllerState state)
    {
        Start(state);
        state.On(new Change<PolicyObject>(ChangeKind.Synced, default, null, null));
        state.On(new Change<ReservationObject>(ChangeKind.Synced, default, null, null));
    }

    private string Address(string name) => Assert.Single(_state.Allocator.Current(new ObjectKey("default", name))!.Addresses).ToString();

    private static ObjectMeta Meta(string name) => new() { Name = name, Namespace = "metallb-system", Uid = name, Generation = 1 };

    private static PolicyObject Policy(string name, PolicyObjectSpec spec) => new() { Metadata = Meta(name), Spec = spec };

    private static Change<T> Added<T>(T item)
        where T : class, IKubeObject => new(ChangeKind.Added, new ObjectKey(item.Metadata.Namespace ?? "", item.Metadata.Name!), null, item);

    private static Change<T> Deleted<T>(T item)
        where T : class, IKubeObject => new(ChangeKind.Deleted, new ObjectKey(item.Metadata.Namespace ?? "", item.Metadata.Name!), item, null);
}
