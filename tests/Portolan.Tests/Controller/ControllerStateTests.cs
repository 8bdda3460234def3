using Portolan.Controller;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Tests.Controller;

public sealed class ControllerStateTests
{
    private readonly ControllerState _state = new(null);

    [Theory]
    [InlineData("services", "namespaces", "pools")]
    [InlineData("advertisements", "pools", "namespaces", "services")]
    [InlineData("pools", "services", "advertisements", "namespaces")]
    public void DecidesNothingBeforeEverythingIsListed(params string[] order)
    {
        Assert.Empty(_state.On(Added(Service("web"))).Decisions);
        Assert.Empty(_state.On(Added(Pool("lab", "10.0.0.0/30"))).Decisions);
        foreach (var source in order[..^1])
            Assert.Empty(Synced(source).Decisions);
        Assert.False(_state.IsStarted);
        var decision = Assert.Single(Synced(order[^1]).Decisions);
        Assert.Equal(("10.0.0.0", "lab"), (decision.Addresses[0].ToString(), decision.Pool));
        Assert.True(_state.IsStarted);
    }

    [Fact]
    public void KeepsAddress_WhenControllerRestarts()
    {
        _state.On(Added(Service("a")));
        _state.On(Added(Service("b", "10.0.0.0")));
        _state.On(Added(Pool("lab", "10.0.0.0/31")));
        Start();
        Assert.Equal("10.0.0.0", Address("b"));
        Assert.Equal("10.0.0.1", Address("a"));
    }

    [Fact]
    public void BackwardsPoolIsReported_AndItsLastGoodVersionStays()
    {
        _state.On(Added(Pool("lab", "192.168.100.240-192.168.100.249")));
        Start();
        _state.On(Added(Service("web")));
        var problems = _state.On(Modified(Pool("lab", "192.168.100.240-192.168.100.249"), Pool("lab", "192.168.100.250-192.168.100.240", generation: 2))).Configuration!;
        Assert.Equal("IPAddressPool lab: spec.addresses[0]: 192.168.100.250-192.168.100.240: range ends before it starts", Assert.Single(problems).ToString());
        Assert.True(problems[0].PreviousInForce);
        Assert.Equal("192.168.100.240", Address("web"));
        _state.On(Added(Service("next")));
        Assert.Equal("192.168.100.241", Address("next"));
        Assert.Empty(_state.On(Modified(Pool("lab", "x", generation: 2), Pool("lab", "192.168.100.240-192.168.100.249", generation: 3))).Configuration!);
    }

    [Fact]
    public void WrongNewPoolIsReported_AndTheOthersWork()
    {
        _state.On(Added(Pool("lab", "192.168.100.240-192.168.100.249")));
        Start();
        Assert.Single(_state.On(Added(Pool("backwards", "192.168.100.250-192.168.100.240"))).Configuration!);
        _state.On(Added(Service("web")));
        Assert.Equal("192.168.100.240", Address("web"));
        Assert.Empty(_state.On(Deleted(Pool("backwards", ""))).Configuration!);
    }

    [Fact]
    public void AdvertisementOfAPoolThatDoesNotExistIsReported()
    {
        _state.On(Added(Pool("lab", "10.0.0.0/30")));
        Start();
        var advertisement = new L2Advertisement { Metadata = new ObjectMeta { Name = "typo", Namespace = "metallb-system" }, Spec = new L2AdvertisementSpec { IPAddressPools = ["lab", "laab"] } };
        var problem = Assert.Single(_state.On(Added(advertisement)).Configuration!);
        Assert.Equal("L2Advertisement typo: spec.ipAddressPools[1]: laab: there is no such IPAddressPool", problem.ToString());
        Assert.Empty(_state.On(Added(Pool("laab", "10.1.0.0/30"))).Configuration!);
    }

    [Fact]
    public void ItsOwnCountersInThePoolAreNoNews()
    {
        _state.On(Added(Pool("lab", "10.0.0.0/30")));
        Start();
        var counted = Pool("lab", "10.0.0.0/30");
        counted.Status = new IPAddressPoolStatus { AssignedIPv4 = 1 };
        Assert.Equal(Consequences.None, _state.On(Modified(Pool("lab", "10.0.0.0/30"), counted)));
        Assert.Equal(1, _state.Pools["lab"].Status!.AssignedIPv4);
    }

    [Fact]
    public void AFollowerHearsEverything_JudgesTheConfiguration_AndDecidesNothing()
    {
        var follower = new ControllerState(null, leads: false);
        follower.On(Added(Pool("lab", "10.0.0.0/30")));
        follower.On(Added(Service("web")));
        Sync(follower);
        Assert.True(follower.IsSynced);
        Assert.False(follower.IsStarted);
        Assert.Empty(follower.On(Added(Service("next"))).Decisions);
        Assert.Single(follower.On(Added(Pool("backwards", "10.0.0.9-10.0.0.8"))).Configuration!);
        var decisions = follower.Lead().Decisions;
        Assert.Equal(["10.0.0.0", "10.0.0.1"], decisions.Select(decision => decision.Addresses[0].ToString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void KeepsWhatTheLastLeaderWrote_WhenItTakesOver()
    {
        var follower = new ControllerState(null, leads: false);
        follower.On(Added(Pool("lab", "10.0.0.0/31")));
        follower.On(Added(Service("older")));
        follower.On(Added(Service("web")));
        Sync(follower);
        follower.On(Modified(Service("web"), Service("web", "10.0.0.0")));
        follower.Lead();
        Assert.Equal("10.0.0.0", Address(follower, "web"));
        Assert.Equal("10.0.0.1", Address(follower, "older"));
    }

    [Fact]
    public void ForgetsWhatItDecided_WhenItStepsDown()
    {
        _state.On(Added(Pool("lab", "10.0.0.0/31")));
        _state.On(Added(Service("web")));
        Start();
        Assert.Equal("10.0.0.0", Address("web"));

        // That decision was never written. The next leader gave the address to another.
        _state.StepDown();
        Assert.Null(_state.Allocator.Current(new ObjectKey("default", "web")));
        Assert.Empty(_state.On(Added(Service("other", "10.0.0.0"))).Decisions);
        _state.Lead();
        Assert.Equal("10.0.0.0", Address("other"));
        Assert.Equal("10.0.0.1", Address("web"));
    }

    private static void Sync(ControllerState state)
    {
        state.On(new Change<Service>(ChangeKind.Synced, default, null, null));
        state.On(new Change<Namespace>(ChangeKind.Synced, default, null, null));
        state.On(new Change<IPAddressPool>(ChangeKind.Synced, default, null, null));
        state.On(new Change<L2Advertisement>(ChangeKind.Synced, default, null, null));
    }

    private void Start()
    {
        foreach (var source in new[] { "services", "namespaces", "pools", "advertisements" })
            Synced(source);
    }

    private Consequences Synced(string source) => source switch
    {
        "services" => _state.On(new Change<Service>(ChangeKind.Synced, default, null, null)),
        "namespaces" => _state.On(new Change<Namespace>(ChangeKind.Synced, default, null, null)),
        "pools" => _state.On(new Change<IPAddressPool>(ChangeKind.Synced, default, null, null)),
        _ => _state.On(new Change<L2Advertisement>(ChangeKind.Synced, default, null, null)),
    };

    private string Address(string name) => Address(_state, name);

    private static string Address(ControllerState state, string name) => Assert.Single(state.Allocator.Current(new ObjectKey("default", name))!.Addresses).ToString();

    private static Change<T> Added<T>(T item)
        where T : class, IKubeObject => new(ChangeKind.Added, Key(item), null, item);

    private static Change<T> Modified<T>(T old, T item)
        where T : class, IKubeObject => new(ChangeKind.Modified, Key(item), old, item);

    private static Change<T> Deleted<T>(T item)
        where T : class, IKubeObject => new(ChangeKind.Deleted, Key(item), item, null);

    private static ObjectKey Key(IKubeObject item) => new(item.Metadata.Namespace!, item.Metadata.Name!);

    internal static IPAddressPool Pool(string name, string addresses, long generation = 1) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "metallb-system", Uid = name, Generation = generation },
        Spec = new IPAddressPoolSpec { Addresses = [addresses] },
    };

    internal static Service Service(string name, params string[] ingress) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default", Uid = name, ResourceVersion = "7" },
        Spec = new ServiceSpec { Type = "LoadBalancer", ClusterIPs = ["10.233.0.9"], Ports = [new ServicePortSpec { Port = 80 }] },
        Status = new ServiceStatus { LoadBalancer = new LoadBalancerStatus { Ingress = [.. ingress.Select(address => new LoadBalancerIngress { IP = address, IpMode = "VIP" })] } },
    };
}
