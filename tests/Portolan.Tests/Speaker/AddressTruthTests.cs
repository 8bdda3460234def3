using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Tests.Speaker;

/// <summary>Two speakers on one wire would need two nodes: here is one, and what the other tells it.</summary>
public sealed class AddressTruthTests : IDisposable
{
    private const long Second = 1_000_000;
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.100.240", null);
    private static readonly MacAddress Other = MacAddress.Read([2, 0, 0x5e, 0x10, 0, 0x99]);

    private readonly Lan _lan = new();
    private readonly Meter _meter = new("test");
    private readonly List<(string Reason, string Message)> _events = [];
    private readonly AddressTruth _truth;

    public AddressTruthTests() => _truth = new AddressTruth(
        "n1", _lan.Announcer, _lan.Claims, new ConflictConditions(null!, TimeProvider.System, NullLogger.Instance),
        (service, _, reason, message) =>
        {
            Assert.Equal(Web, service);
            _events.Add((reason, message));
        },
        _meter, NullLogger.Instance);

    [Fact]
    public void TellsWhatAnotherSpeakerHeard_AndYieldsByPolicy()
    {
        _truth.On(Web, Service(), isNews: false, 0);
        Plan("n1", ConflictPolicy.Yield);
        _truth.Advance(3 * Second);
        var own = _lan.Client.Mac;
        _truth.On("n2", WireReports.Write([own], [new QueryFinding(Vip, [_lan.MacOf("eth0"), Other, own])]), 3 * Second);
        _truth.Advance(4 * Second); // hears what the other found
        _truth.Advance(4 * Second);
        Assert.Equal([("addressConflict", $"{Other} claims {Vip}, heard on node n2; node \"n1\" announces it as well")], _events);
        Assert.Empty(_truth.Yielded);

        // It is still so; twice within ten seconds is once too often.
        _truth.On("n3", WireReports.Write([], [new QueryFinding(Vip, [Other, _lan.MacOf("eth0")])]), 5 * Second);
        _truth.Advance(5 * Second);
        Assert.True(_truth.Advance(5 * Second));
        Assert.Equal([Vip], _truth.Yielded);
        Assert.Equal("addressYielded", _events[^1].Reason);

        // Nobody announces it then; this node goes on to look whether it is free, and forgets it with the Service.
        _truth.Set(Web, new AnnouncementPlan(Web, [], WithdrawalReason.AddressConflict, Election.Nobody, []) { Policy = AnnouncementPolicy.Default with { OnConflict = ConflictPolicy.Yield } }, 6 * Second);
        Assert.Equal([Vip], _truth.Yielded);
        _truth.On(Web, null, isNews: true, 7 * Second);
        _truth.Set(Web, null, 7 * Second);
        Assert.Empty(_truth.Yielded);
    }

    [Fact]
    public void ProbesWhatIsNew_AndOnlyOnTheNodeThatAnnouncesItFirst()
    {
        _truth.On(Web, Service(), isNews: true, 0);
        Plan("n2", ConflictPolicy.Refuse); // another node probes it
        Plan("n1", ConflictPolicy.Refuse);
        _truth.Advance(Second);
        Assert.Empty(Probes());

        _truth.Set(Web, null, Second);
        _truth.On(Web, null, isNews: true, Second);
        _truth.On(Web, Service(), isNews: true, Second);
        Plan("n1", ConflictPolicy.Refuse);
        for (var now = Second; now < 2 * Second; now += Second / 100)
            _truth.Advance(now);
        Assert.Equal(3, Probes().Count());
    }

    [Fact]
    public void SaysHowItIsFoundOnTheWire()
    {
        Assert.True(_truth.Advance(0));
        Assert.Equal(WireReports.Write([_lan.MacOf("eth0")], []), _truth.Report);
        Assert.False(_truth.Advance(1));
    }

    [Fact]
    public void TellsOfSilence_WhereAnotherNodeAnnounces()
    {
        _lan.Node.Link("address add 192.168.100.101/24 dev eth0");
        _lan.Rescan();
        _truth.SetLiving(["n1", "n2"]);
        Plan("n2", ConflictPolicy.Defend);
        for (long now = 0; _truth.Deadline is { } due && now < 70 * Second; now = Math.Max(due, now + 1))
            _truth.Advance(now);
        Assert.Equal([("addressUnanswered", $"node \"n1\" asked for {Vip} three times, and nobody answered; node \"n2\" announces it")], _events);
        Assert.Equal(WireReports.Write([_lan.MacOf("eth0")], [new QueryFinding(Vip, [])]), _truth.Report);
    }

    public void Dispose()
    {
        _lan.Dispose();
        _meter.Dispose();
    }

    private void Plan(string winner, ConflictPolicy policy)
    {
        var plan = new AnnouncementPlan(
            Web, [Vip], WithdrawalReason.None,
            new Election(winner, [new NodeVerdict(winner, WithdrawalReason.None), new NodeVerdict(winner == "n1" ? "n2" : "n1", WithdrawalReason.NotOwner)]), [])
        {
            Policy = AnnouncementPolicy.Default with { OnConflict = policy },
        };
        _truth.Set(Web, plan, 0);
        _lan.Announcer.Set(Web, winner == "n1" ? [Vip] : [], [], 0);
    }

    private static Service Service() => new() { Status = new ServiceStatus { LoadBalancer = new LoadBalancerStatus { Ingress = [new LoadBalancerIngress { IP = Vip.ToString() }] } } };

    private IEnumerable<ArpPacket> Probes()
    {
        var probes = new List<ArpPacket>();
        var fence = IpAddress.Parse("192.168.100.241", null);
        _lan.Announcer.Set(new ObjectKey("default", "fence"), [fence], [], 0);
        _lan.Client.Ask(fence.ToIPv4());
        while (_lan.Client.Next().Packet is var packet && packet.Operation is ArpOperation.Request || packet.IsAnnouncement)
            if (packet.IsProbe)
                probes.Add(packet);
        return probes;
    }
}
