using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Speaker;
using Portolan.Speaker.Peers;

namespace Portolan.Tests.Speaker;

public sealed class SpeakerStateTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private readonly SpeakerState _state = new(new SpeakerOptions("node1", "metallb-system", "", "memberlist", null, false));

    [Fact]
    public void AnnouncesNothing_BeforeEverythingWasListed()
    {
        Load();
        _state.On(Living("node1"));
        _state.On(Synced<Service>());
        _state.On(Synced<EndpointSlice>());
        _state.On(Synced<Node>());
        _state.On(Synced<IPAddressPool>());
        Assert.Empty(_state.Settle());
        Assert.False(_state.IsReady);
        _state.On(Synced<L2Advertisement>());
        Assert.False(_state.IsReady);
        _state.On(Synced<AnnouncementPolicyObject>());
        Assert.True(_state.IsReady);
        Assert.Equal([Web], _state.Settle());
        Assert.Equal(WithdrawalReason.None, _state.Plans[Web].On("node1"));
    }

    [Fact]
    public void AnnouncesNothing_BeforeTheOtherSpeakersWereHeardOrHadTheirTime()
    {
        Load("node1", "node2");
        SyncAll();
        _state.On(PeerView.Nothing("node1"));
        Assert.Empty(_state.Settle());
        _state.On(Living("node1"));
        Assert.Equal([Web], _state.Settle());
        Assert.Equal("node1", _state.Plans[Web].Election.Winner);
    }

    [Fact]
    public void MovesToTheNextInLine_WhenASpeakerDies()
    {
        Load("node1", "node2");
        SyncAll();
        _state.On(Living("node1"));
        Assert.Equal("node2", Winner(Living("node1", "node2")));
        Assert.Equal("node1", Winner(Living("node1")));
        Assert.Equal("node2", Winner(Living("node1", "node2"))); // and back, as MetalLB does
    }

    [Fact]
    public void RanksByWhatOthersSayOfTheirNodes_AndByItsOwnReportUntold()
    {
        Load("node1", "node2");
        SyncAll();
        var both = Living("node1", "node2");
        var draining = new NodeReport { Conditions = NodeConditions.Draining };
        Assert.Equal("node1", Winner(both with { Reports = new Dictionary<string, NodeReport> { ["node2"] = draining } }));
        Assert.Equal("node2", Winner(both));
        _state.SetOwnReport(draining);
        Assert.Equal("node2", Winner(both));
    }

    [Fact]
    public void WithdrawsEverything_WhenItsOwnSessionsStop()
    {
        Load();
        SyncAll();
        _state.On(Living("node1"));
        Assert.Equal([Web], _state.Settle());
        _state.On(PeerView.Nothing("node1"));
        Assert.Equal([Web], _state.Settle());
        Assert.NotEqual(WithdrawalReason.None, _state.Plans[Web].On("node1"));
    }

    [Fact]
    public void KeepsTheLastGoodAdvertisement_AndSaysWhatIsWrongWithTheNew()
    {
        Load();
        SyncAll();
        _state.On(Living("node1"));
        _state.Settle();
        _state.On(Added(new L2Advertisement { Metadata = new() { Name = "l2" }, Spec = new() { Interfaces = ["eth0", "eth0"] } }));
        Assert.Empty(_state.Settle());
        Assert.Equal("L2Advertisement l2: spec.interfaces[1]: eth0: is listed twice", string.Join(';', _state.Faults.Select(fault => $"{fault.Kind} {fault.Name}: {fault.Error}")));
        _state.On(Added(new L2Advertisement { Metadata = new() { Name = "l2" }, Spec = new() { Interfaces = ["eth0"] } }));
        Assert.Equal([Web], _state.Settle());
        Assert.Empty(_state.Faults);
        Assert.Equal(["eth0"], _state.Plans[Web].Interfaces);
    }

    [Fact]
    public void KeepsTheLastGoodPolicy_AndSaysWhatIsWrongWithTheNew()
    {
        Load();
        SyncAll();
        _state.On(Added(Policy("b", new() { Placement = "bounded" })));
        _state.On(Added(Policy("a", new() { OnConflict = "yield" })));
        Assert.Equal(["a", "b"], _state.Policies.Select(policy => policy.Name));
        _state.On(Added(Policy("b", new() { Placement = "even" })));
        Assert.Equal("AnnouncementPolicy b: spec.placement: even: must be hash or bounded", string.Join(';', _state.Faults.Select(fault => $"{fault.Kind} {fault.Name}: {fault.Error}")));
        Assert.Equal(Placement.Bounded, _state.Policies.Single(policy => policy.Name == "b").Placement);

        // A new one that is wrong is in no version in force; gone, nothing is left of it.
        _state.On(Added(Policy("c", new() { AnnounceFrom = "nobody" })));
        Assert.Equal(2, _state.Policies.Count);
        _state.On(new Change<AnnouncementPolicyObject>(ChangeKind.Deleted, new ObjectKey("metallb-system", "b"), Policy("b", new()), null));
        _state.On(new Change<AnnouncementPolicyObject>(ChangeKind.Deleted, new ObjectKey("metallb-system", "c"), Policy("c", new()), null));
        Assert.Equal("a", Assert.Single(_state.Policies).Name);
        Assert.Empty(_state.Faults);
    }

    private static AnnouncementPolicyObject Policy(string name, AnnouncementPolicyObjectSpec spec) => new() { Metadata = new() { Name = name, Namespace = "metallb-system" }, Spec = spec };

    [Fact]
    public void DoesNotStir_WhenAKubeletReportsThatNothingChanged()
    {
        Load();
        SyncAll();
        Assert.True(_state.On(Added(ReadyNode("node2"))));
        Assert.False(_state.On(Added(ReadyNode("node2"))));
        var cordoned = ReadyNode("node2");
        cordoned.Metadata.Labels = new Dictionary<string, string> { ["rack"] = "a" };
        Assert.True(_state.On(Added(cordoned)));
    }

    private void Load(params string[] nodes)
    {
        foreach (var node in nodes.Length > 0 ? nodes : ["node1"])
            _state.On(Added(ReadyNode(node)));
        _state.On(Added(new IPAddressPool { Metadata = new() { Name = "lan" }, Spec = new() { Addresses = ["192.168.100.240/28"] } }));
        _state.On(Added(new L2Advertisement { Metadata = new() { Name = "l2" } }));
        _state.On(Added(new Service
        {
            Metadata = new() { Name = Web.Name, Namespace = Web.Namespace },
            Spec = new() { Type = "LoadBalancer" },
            Status = new() { LoadBalancer = new() { Ingress = [new LoadBalancerIngress { IP = "192.168.100.242" }] } },
        }));
        _state.On(Added(new EndpointSlice
        {
            Metadata = new() { Name = "web-1", Namespace = Web.Namespace, Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = Web.Name } },
            AddressType = "IPv4",
            Endpoints = [new Endpoint { Addresses = ["10.233.65.2"], NodeName = "node1" }],
        }));
    }

    private void SyncAll()
    {
        _state.On(Synced<Service>());
        _state.On(Synced<EndpointSlice>());
        _state.On(Synced<Node>());
        _state.On(Synced<IPAddressPool>());
        _state.On(Synced<L2Advertisement>());
        _state.On(Synced<AnnouncementPolicyObject>());
    }

    private string? Winner(PeerView peers)
    {
        _state.On(peers);
        _state.Settle();
        return _state.Plans[Web].Election.Winner;
    }

    private static PeerView Living(params string[] nodes) => PeerView.Nothing("node1") with { IsSettled = true, Living = nodes.ToHashSet() };

    private static Node ReadyNode(string name) => new()
    {
        Metadata = new() { Name = name },
        Status = new()
        {
            Addresses = [new NodeAddress { Type = "InternalIP", Address = $"192.168.100.{name[^1]}" }],
            Conditions = [new Condition { Type = "Ready", Status = "True" }],
        },
    };

    private static Change<T> Added<T>(T value)
        where T : class, IKubeObject => new(ChangeKind.Added, new ObjectKey(value.Metadata.Namespace ?? "", value.Metadata.Name ?? ""), null, value);

    private static Change<T> Synced<T>()
        where T : class => new(ChangeKind.Synced, default, null, null);
}
