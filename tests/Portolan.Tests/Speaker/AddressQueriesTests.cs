using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Tests.Speaker;

public sealed class AddressQueriesTests
{
    private const long Second = 1_000_000;
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.100.240", null);
    private static readonly MacAddress First = MacAddress.Read([2, 0, 0, 0, 0, 1]);
    private static readonly MacAddress Second2 = MacAddress.Read([2, 0, 0, 0, 0, 2]);

    private readonly WireClaims _claims = new(() => { });
    private readonly List<(IpAddress Address, long At)> _asked = [];
    private readonly Dictionary<IpAddress, List<MacAddress>> _answers = [];
    private readonly AddressQueries _queries;
    private long _now;
    private bool _canAsk = true;

    public AddressQueriesTests() => _queries = Make("n1");

    [Fact]
    public void AsksForEachAddressOnceAMinute_SpreadOverIt_AndWithinItsRate()
    {
        const int Count = 3000;
        for (var i = 0; i < Count; i++)
        {
            var address = IpAddress.V4(0x0a000000 + (uint)i);
            _answers[address] = [First];
            _queries.Set(address, "n2", 0);
        }

        Run(180 * Second);
        Assert.Empty(_queries.Findings);
        Assert.All(_asked.GroupBy(asked => asked.Address), times => Assert.InRange(times.Count(), 2, 3));
        Assert.Equal(Count, _asked.DistinctBy(asked => asked.Address).Count());
        // 50 a second on average; never more than 100.
        Assert.All(_asked.GroupBy(asked => asked.At / Second), second => Assert.InRange(second.Count(), 20, 100));
    }

    [Fact]
    public void SpeakersTakeTurns()
    {
        var (a, b) = (Make("n1"), Make("n3"));
        var asked = new List<string>();
        for (var i = 0; i < 200; i++)
        {
            a.Set(IpAddress.V4((uint)i), "n2", 0);
            b.Set(IpAddress.V4((uint)i), "n2", 0);
        }

        for (_now = 0; _now < 130 * Second; _now += Second / 10)
        {
            _asked.Clear();
            a.Advance(_now);
            asked.AddRange(_asked.Select(ask => "n1 " + ask.Address));
            _asked.Clear();
            b.Advance(_now);
            asked.AddRange(_asked.Select(ask => "n3 " + ask.Address));
        }

        // Whoever asks first, the other does so a minute later.
        var distinct = asked.Distinct().ToList();
        Assert.Equal(400, distinct.Count);
    }

    [Fact]
    public void TellsSilence_AfterThreeQuestions()
    {
        _queries.Set(Vip, "n2", 0);
        Run(62 * Second);
        Assert.Equal(3, _asked.Count);
        Assert.Equal([new QueryFinding(Vip, [])], _queries.Findings);
        _answers[Vip] = [First];
        Run(125 * Second);
        Assert.Empty(_queries.Findings);
    }

    [Fact]
    public void TellsASecondAnswer()
    {
        _answers[Vip] = [Second2, First, First];
        _queries.Set(Vip, "n2", 0);
        Run(62 * Second);
        Assert.Equal([new QueryFinding(Vip, [First, Second2])], _queries.Findings);
        _queries.Set(Vip, null, _now);
        Assert.Empty(_queries.Findings);
        Run(300 * Second);
        Assert.Null(_queries.Deadline);
    }

    [Fact]
    public void SaysNothing_WhereItCannotAsk()
    {
        _canAsk = false;
        _queries.Set(Vip, "n2", 0);
        Run(125 * Second);
        Assert.Empty(_queries.Findings);
        Assert.Equal(0, _queries.Sent);
    }

    [Fact]
    public void AsksOnTheWireFromItsOwnAddress_AndHearsTheAnswer()
    {
        using var lan = new Lan();
        lan.Node.Link("address add 192.168.100.101/24 dev eth0");
        lan.Rescan();
        Assert.True(lan.Announcer.Ask(Vip, 0));
        ArpPacket question;
        do
            question = lan.Client.Next().Packet;
        while (question.Target != Vip.ToIPv4());
        Assert.Equal(new ArpPacket(ArpOperation.Request, lan.MacOf("eth0"), new IPv4(0xc0a86465), default, Vip.ToIPv4()), question);

        lan.Claims.Watch(Vip);
        lan.Client.Send(new ArpFrame(lan.MacOf("eth0"), First, new ArpPacket(ArpOperation.Reply, First, Vip.ToIPv4(), lan.MacOf("eth0"), question.Sender)));
        Assert.True(SpinWait.SpinUntil(() => lan.Claims.Take() is [{ } claim] && claim == new WireClaim(Vip, First, "eth0", false), TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void AsksInIPv6FromTheLinkLocalAddress()
    {
        using var lan = new Lan();
        var vip = IpAddress.Parse("fd00:100::f0", null);
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                lan.Rescan();
                return lan.Links.Addresses.Any(own => own.Scope == 253);
            },
            TimeSpan.FromSeconds(10)));
        Assert.False(lan.Announcer.Ask(vip, 0)); // no network in common
        Assert.True(lan.Announcer.Ask(vip, 0, anywhere: true));
        var question = lan.Client6.NextQuestion(vip.ToIPv6());
        Assert.True(question.Source.IsLinkLocal);
        Assert.Equal((lan.MacOf("eth0"), vip.ToIPv6()), (question.Message.LinkAddress, question.Message.Target));

        lan.Node.Link("-6 address add fd00:100::101/64 dev eth0 nodad");
        lan.Rescan();
        Assert.True(lan.Announcer.Ask(vip, 0));
        Assert.Equal("fd00:100::101", lan.Client6.NextQuestion(vip.ToIPv6()).Source.ToString());
    }

    [Fact]
    public void CannotAskWithoutAnAddress()
    {
        using var lan = new Lan();
        Assert.False(lan.Announcer.Ask(Vip, 0, anywhere: true));
        lan.Node.Link("address add 10.1.2.3/24 dev eth0");
        lan.Rescan();
        Assert.False(lan.Announcer.Ask(Vip, 0)); // who is in another network hears nothing, and may conclude nothing
        Assert.True(lan.Announcer.Ask(Vip, 0, anywhere: true));
    }

    private AddressQueries Make(string self)
    {
        AddressQueries? made = null;
        made = new AddressQueries(
            self,
            address =>
            {
                if (!_canAsk)
                    return false;
                _asked.Add((address, _now));
                return true;
            },
            _claims);
        made.SetLiving(self == "n1" && _queries is null ? ["n1", "n2"] : ["n1", "n2", "n3"]);
        return made;
    }

    private void Run(long to)
    {
        while (_queries.Deadline is { } due && due <= to)
        {
            _now = Math.Max(_now, due);
            var before = _asked.Count;
            _queries.Advance(_now);
            foreach (var (address, _) in _asked[before..].ToList())
                foreach (var mac in _answers.GetValueOrDefault(address) ?? [])
                    _queries.Heard(new WireClaim(address, mac, "eth0", false));
        }

        _now = to;
    }
}
