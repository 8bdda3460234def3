using System.Text.RegularExpressions;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Linux.Links;
using Portolan.Proxy.Programmed;
using Portolan.Speaker;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Peers;
using Portolan.Speaker.Readiness;

namespace Portolan.Tests.Speaker.Readiness;

public sealed class OwnReportTests
{
    private const long Second = 1_000_000;
    private readonly SpeakerState _state = new(new SpeakerOptions("node1", "metallb-system", "", "memberlist", null, false));
    private readonly Dictionary<ObjectKey, ProgrammedService> _programmed = [];
    private readonly OwnReport _own;
    private long _now;

    public OwnReportTests()
    {
        _own = new OwnReport(_state, "node1", new InterfaceSelection([new Regex("^lo$")]), _programmed.GetValueOrDefault, 0, 1);
        _state.On(Added(new Node
        {
            Metadata = new() { Name = "node1" },
            Status = new() { Addresses = [new NodeAddress { Type = "InternalIP", Address = "192.168.100.1" }], Conditions = [new Condition { Type = "Ready", Status = "True" }] },
        }));
        _state.On(Added(new IPAddressPool { Metadata = new() { Name = "lan" }, Spec = new() { Addresses = ["192.168.100.0/24"] } }));
        _state.On(Added(new L2Advertisement { Metadata = new() { Name = "l2" } }));
        _state.On(Synced<Service>());
        _state.On(Synced<EndpointSlice>());
        _state.On(Synced<Node>());
        _state.On(Synced<IPAddressPool>());
        _state.On(Synced<L2Advertisement>());
        _state.On(Synced<AnnouncementPolicyObject>());
        _state.On(PeerView.Nothing("node1") with { IsSettled = true });
    }

    [Fact]
    public void IsStarting_UntilTheSpeakerAnnounces()
    {
        Assert.Equal(NodeConditions.Starting | NodeConditions.NotProgrammed, _own.Report.Conditions);
        _own.On(ProxyConnection.Synced);
        Assert.Equal(NodeConditions.Starting, Now().Conditions);
        _own.SetReady(true, 0);
        Assert.Equal(NodeReport.Well, Now());
        _own.SetReady(false, 0); // its sessions stopped, say
        Assert.Equal(NodeConditions.Starting, Now().Conditions);
    }

    [Fact]
    public void IsToldWhatIsProgrammed_ByAProxyThatOnceToldAll_UntilItIsGoneForGood()
    {
        Assert.False(Told(0));
        _own.On(ProxyConnection.Connected);
        Assert.False(Told(1));
        _own.On(ProxyConnection.Synced);
        Assert.True(Told(2));
        _own.On(ProxyConnection.Absent);
        Assert.True(Told(3));
        Assert.Equal(3 + ProxyHealth.Patience, _own.Deadline(3));
        Assert.True(Told(2 + ProxyHealth.Patience));
        Assert.False(Told(3 + ProxyHealth.Patience));
        _own.On(ProxyConnection.Connected);
        Assert.True(Told(4 + ProxyHealth.Patience));

        // Another one is in its place, which says nothing of single Services.
        _own.On(ProxyConnection.Absent);
        _own.OnHealthz(true);
        Assert.False(Told(5 + ProxyHealth.Patience));

        bool Told(long now)
        {
            Now(now);
            return _own.IsTold(now);
        }
    }

    [Fact]
    public void IsOpen_WhereNoProxyIsEverSeen()
    {
        _own.SetReady(true, 0);
        Assert.Equal(ProxyHealth.FirstLook, _own.Deadline(0));
        Assert.Equal(NodeReport.Well, Now(ProxyHealth.FirstLook));
        Assert.Equal(ProxySource.None, _own.ProxySource);
    }

    [Fact]
    public void IsDraining_WhenItsSpeakerIsAboutToStop()
    {
        Begin();
        _own.Stop();
        Assert.Equal(NodeConditions.Draining, Now().Conditions);
    }

    [Fact]
    public void NamesTheServicesThatTheProxyIsLateWith()
    {
        Begin();
        var web = Add("web", 240);
        Assert.Equal(NodeReport.Well, Now());
        Assert.Equal(ProgrammingDelay.Allowed, _own.Deadline(0));
        Assert.Equal([ServiceDigest.Of(web)], Now(ProgrammingDelay.Allowed).Unprogrammed);
        Program(web, 240);
        Assert.Equal(NodeReport.Well, Now());
    }

    [Fact]
    public void DoesNotWaitForServicesThatItMayNotAnnounce()
    {
        Begin();
        Add("idle", 241, hasEndpoint: false);
        Add("foreign", 242, address: "203.0.113.7");
        Assert.Equal(NodeReport.Well, Now(10 * Second));
        Assert.False(_own.IsCandidate);
        Program(Add("web", 240), 240);
        Now();
        Assert.True(_own.IsCandidate);
    }

    [Fact]
    public void IsNotProgrammedAsAWhole_WhenItIsLateWithMoreThanCanBeNamed()
    {
        Begin();
        for (var i = 0; i < NodeReport.MostUnprogrammed; i++)
            Add("s" + i, 10 + i);
        Now();
        var named = Now(Second);
        Assert.Equal((NodeConditions.None, NodeReport.MostUnprogrammed), (named.Conditions, named.Unprogrammed.Count));
        Add("last", 200);
        Now();
        var whole = Now(2 * Second);
        Assert.Equal((NodeConditions.NotProgrammed, 0), (whole.Conditions, whole.Unprogrammed.Count));
    }

    [Fact]
    public void AProxyThatIsReplacedByKubeProxy_IsForgotten()
    {
        Begin();
        _own.On(ProxyConnection.Absent);
        Now();
        _own.OnHealthz(true);
        Add("web", 240);
        Assert.Equal(NodeReport.Well, Now(20 * Second));
    }

    [Fact]
    public void NamesTheServicesWhoseInterfacesAreDown_AndTheConditionWhenNoInterfaceIsLeft()
    {
        Begin();
        Links(("eth0", true), ("eth1", true));
        Program(Add("web", 240), 240);
        _state.On(Added(new L2Advertisement { Metadata = new() { Name = "l2" }, Spec = new() { Interfaces = ["eth1", "eth2"] } }));
        Settle();
        Assert.Equal(NodeReport.Well, Now());
        Links(("eth0", true), ("eth1", false));
        Assert.Equal(new NodeReport { Unprogrammed = new HashSet<ulong> { ServiceDigest.Of(new("default", "web")) } }, Now());
        Links(("eth0", false), ("eth1", false));
        Assert.Equal(NodeConditions.NoCarrier, Now().Conditions);
        Links(("eth0", false), ("eth1", true));
        Assert.Equal(NodeReport.Well, Now());

        // Another advertisement for the same Service names no interface: then any will do.
        Links(("eth0", true), ("eth1", false));
        _state.On(Added(new L2Advertisement { Metadata = new() { Name = "everywhere" } }));
        Settle();
        Assert.Equal(NodeReport.Well, Now());
    }

    [Fact]
    public void TakesAGatewayForWhatItIs_OnlyWhereSomethingCouldBeAnnounced()
    {
        Begin();
        _own.OnGateway(true);
        Assert.Equal(NodeReport.Well, Now());
        Program(Add("web", 240), 240);
        Assert.Equal(NodeConditions.GatewayUnreachable, Now().Conditions);
        _own.OnGateway(false);
        Assert.Equal(NodeReport.Well, Now());
    }

    [Fact]
    public void SaysSinceWhenItIsWorse_SoThatAllAgreeWhoHeldTheAddress()
    {
        Begin();
        _own.Stop();
        _own.Advance(0, 777);
        Assert.Equal(777, _own.Report.Standing);
        Assert.False(_own.Advance(1, 778));
    }

    [Fact]
    public void IsHeldBackAnew_WhenItHearsOthersAgainAfterItHeardNobody()
    {
        Begin();
        _own.Hear(0, 2, 0); // nobody yet: it went nowhere
        Assert.Equal(NodeReport.Well, Now());
        _own.SetPolicies([new AnnouncementPolicy { Name = "calm", HoldDown = TimeSpan.FromSeconds(10) }]);
        _own.Hear(2, 2, 10 * Second);
        Assert.Empty(Now(10 * Second).HeldBack);
        _own.Hear(1, 2, 11 * Second); // one of them died
        Assert.Empty(Now().HeldBack);
        _own.Hear(0, 2, 12 * Second);
        Assert.Equal(["calm"], Now(100 * Second).HeldBack);
        _own.Hear(1, 2, 100 * Second);
        Assert.Equal(["calm"], Now().HeldBack);
        Assert.Equal(110 * Second, _own.Deadline(100 * Second));
        Assert.Empty(Now(110 * Second).HeldBack);
    }

    private void Begin()
    {
        _own.On(ProxyConnection.Synced);
        _own.SetReady(true, 0);
        Settle();
        Assert.Equal(NodeReport.Well, Now());
    }

    private NodeReport Now(long? now = null)
    {
        _now = now ?? _now;
        _own.Advance(_now, _now);
        return _own.Report with { Standing = 0 };
    }

    private void Settle()
    {
        _own.Changed(_state.Settle());
    }

    private ObjectKey Add(string name, int last, bool hasEndpoint = true, string? address = null)
    {
        _own.Changed(_state.On(Added(new Service
        {
            Metadata = new() { Name = name, Namespace = "default", Uid = name },
            Spec = new() { Type = "LoadBalancer" },
            Status = new() { LoadBalancer = new() { Ingress = [new LoadBalancerIngress { IP = address ?? $"192.168.100.{last}" }] } },
        })));
        if (hasEndpoint)
        {
            _own.Changed(_state.On(Added(new EndpointSlice
            {
                Metadata = new() { Name = name + "-1", Namespace = "default", Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = name } },
                AddressType = "IPv4",
                Endpoints = [new Endpoint { Addresses = ["10.233.65.2"], NodeName = "node2" }],
            })));
        }

        Settle();
        return new ObjectKey("default", name);
    }

    private void Program(ObjectKey service, int last)
    {
        _programmed[service] = new ProgrammedService { Key = service, Uid = service.Name, Programmed = true, ClusterEndpoints = 1, Addresses = [$"192.168.100.{last}"] };
        _own.Changed([service]);
    }

    private void Links(params (string Name, bool HasCarrier)[] links) => _own.SetLinks(new LinkSnapshot(
        links.Select((link, i) => new Link(
            i + 2, link.Name, LinkFlags.Up | (link.HasCarrier ? LinkFlags.Running | LinkFlags.LowerUp : LinkFlags.None), Link.Ethernet,
            LinkAddress.Read([2, 0, 0, 0, 0, (byte)i]), 0, 1500, "")).ToDictionary(link => link.Index),
        []));

    private static Change<T> Added<T>(T value)
        where T : class, IKubeObject => new(ChangeKind.Added, new ObjectKey(value.Metadata.Namespace ?? "", value.Metadata.Name ?? ""), null, value);

    private static Change<T> Synced<T>()
        where T : class => new(ChangeKind.Synced, default, null, null);
}
