using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Tests.Speaker;

public sealed class WireTruthTests
{
    private const long Millisecond = 1000;
    private const long Second = 1_000_000;
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.100.240", null);
    private static readonly IpAddress Vip6 = IpAddress.Parse("fd00:100::f0", null);
    private static readonly MacAddress Other = MacAddress.Read([2, 0, 0x5e, 0x10, 0, 0x99]);

    [Fact]
    public void ProbesAnAddressOnce_WhenItIsFirstAssigned_AndAnswersMeanwhile()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Defend);
        var probes = ProbesUntilAnAnswer();
        watch.Run(to: 500 * Millisecond);
        probes += ProbesUntilAnAnswer();
        Assert.Equal(3, probes);
        Assert.Equal([50 * Millisecond, 100 * Millisecond, 150 * Millisecond], watch.Steps);
        Assert.Empty(watch.News);

        int ProbesUntilAnAnswer()
        {
            watch.Lan.Client.Ask(Vip.ToIPv4());
            for (var probes = 0; ;)
            {
                var packet = watch.Lan.Client.Next().Packet;
                if (packet.IsProbe && packet.Target == Vip.ToIPv4() && packet.SenderMac == watch.Lan.MacOf("eth0"))
                    probes++;
                else if (packet is { Operation: ArpOperation.Reply, IsAnnouncement: false })
                    return probes;
            }
        }
    }

    [Fact]
    public void NeverProbesAnAddressThatItTakesOver()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Refuse, isFirst: false);
        watch.Run(to: Second);
        Assert.Equal(0, watch.Truth.ProbesSent);
        watch.Lan.Client.Ask(Vip.ToIPv4());
        Assert.Equal(Vip.ToIPv4(), watch.Lan.Client.NextAnswer().Packet.Sender);
    }

    [Fact]
    public void NeverStarts_WhenThePolicyRefusesAnAddressInUse()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Refuse);
        Assert.True(watch.Lan.Client.Next().Packet.IsProbe); // and nothing was said before it
        watch.Claim(ArpOperation.Reply);
        watch.Run(to: 200 * Millisecond);
        Assert.Equal([Vip], watch.Truth.Yielded);
        Assert.Equal([(TruthNews.Yielded, Other)], watch.News);
        watch.Lan.Client.Ask(Vip.ToIPv4());
        watch.IsSilent();

        // He is asked every ten seconds whether he still has it; three silences in a row free it.
        watch.Run(to: 11 * Second);
        watch.Claim(ArpOperation.Reply);
        watch.Run(to: 41 * Second);
        Assert.Equal([Vip], watch.Truth.Yielded);
        watch.Run(to: 62 * Second);
        Assert.Empty(watch.Truth.Yielded);
        Assert.Equal([(TruthNews.Yielded, Other), (TruthNews.Settled, Other)], watch.News);
        watch.Lan.Client.Ask(Vip.ToIPv4());
        Assert.Equal(Vip.ToIPv4(), watch.Lan.Client.NextAnswer().Packet.Sender);
    }

    [Fact]
    public void StartsAfterProbing_WhenThePolicyRefusesAndNobodyHasTheAddress()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Refuse);
        watch.Run(to: 149 * Millisecond);
        Assert.False(watch.Announces);
        watch.Run(to: 150 * Millisecond);
        Assert.True(watch.Announces);
        Assert.Empty(watch.Truth.Yielded);
    }

    [Fact]
    public void RefusesAnAddressThatSomebodyElseIsProbing()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Refuse);
        watch.Send(new ArpPacket(ArpOperation.Request, Other, default, default, Vip.ToIPv4()));
        watch.Run(to: 200 * Millisecond);
        Assert.Equal([Vip], watch.Truth.Yielded);
    }

    [Theory]
    [InlineData(ArpOperation.Request)]
    [InlineData(ArpOperation.Reply)]
    public void DefendsAtMostOnceInTenSeconds(ArpOperation form)
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Defend);
        watch.Run(to: 10 * Second);
        var before = watch.Gratuitous;
        for (var i = 0; i < 50; i++)
        {
            watch.Claim(form);
            watch.Run(to: 10 * Second + i * 100 * Millisecond);
        }

        Assert.Equal(1, watch.Truth.Defences);
        Assert.Equal(before + 2, watch.Gratuitous); // both forms, once
        Assert.Equal([(TruthNews.Conflict, Other)], watch.News);
        watch.Run(to: 20 * Second);
        watch.Claim(form);
        watch.Run(to: 21 * Second);
        Assert.Equal(2, watch.Truth.Defences);
        Assert.Equal([Vip], watch.Truth.Contested);
        watch.Run(to: 81 * Second + 1);
        Assert.Empty(watch.Truth.Contested);
        Assert.Equal([(TruthNews.Conflict, Other), (TruthNews.Settled, Other)], watch.News);
        Assert.True(watch.Announces);
    }

    [Fact]
    public void NoticesAStationThatUsesTheAddressToAskForOthers()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Defend);
        watch.Run(to: 10 * Second);
        watch.Send(new ArpPacket(ArpOperation.Request, Other, Vip.ToIPv4(), default, new IPv4(0xc0a86401)));
        watch.Run(to: 11 * Second);
        Assert.Equal([(TruthNews.Conflict, Other)], watch.News);
    }

    [Fact]
    public void DefendsOnceAndThenYields_ByPolicy()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Yield);
        watch.Run(to: 10 * Second);
        watch.Claim(ArpOperation.Request);
        watch.Run(to: 11 * Second);
        Assert.True(watch.Announces);
        watch.Claim(ArpOperation.Request);
        watch.Run(to: 12 * Second);
        Assert.False(watch.Announces);
        Assert.Equal([Vip], watch.Truth.Yielded);
        Assert.Equal([(TruthNews.Conflict, Other), (TruthNews.Yielded, Other)], watch.News);
    }

    [Fact]
    public void TakesNoOtherSpeakerForAStranger()
    {
        using var watch = new Watch(isOurs: mac => mac == Other);
        watch.Assign(ConflictPolicy.Yield);
        for (var i = 0; i < 3; i++)
        {
            watch.Claim(ArpOperation.Request);
            watch.Run(to: (10 + i) * Second);
        }

        Assert.Equal(0, watch.Truth.Conflicts);
        Assert.True(watch.Announces);
    }

    [Fact]
    public void BearsWithAFormerHolder_WhoHasNotHeardYet()
    {
        using var watch = new Watch();
        watch.Assign(ConflictPolicy.Yield, isFirst: false);
        watch.Claim(ArpOperation.Request);
        watch.Run(to: 1999 * Millisecond);
        Assert.Equal(0, watch.Truth.Conflicts);
        watch.Run(to: 2000 * Millisecond);
        watch.Claim(ArpOperation.Request);
        watch.Run(to: 2000 * Millisecond);
        Assert.Equal(1, watch.Truth.Conflicts);
    }

    [Fact]
    public void ProbesAndDefendsInIPv6()
    {
        using var watch = new Watch(Vip6);
        watch.Assign(ConflictPolicy.Refuse);
        watch.Lan.Client6.Send(NdpFrame.Unsolicited(Other, Vip6.ToIPv6()) with { SourceMac = Other });
        watch.Heard();
        watch.Run(to: 200 * Millisecond);
        Assert.Equal([(TruthNews.Yielded, Other)], watch.News);
        Assert.True(watch.Truth.ProbesSent > 0);
    }

    [Fact]
    public void KeepsLittleOfAFlood()
    {
        var news = 0;
        var claims = new WireClaims(() => news++);
        claims.Watch(Vip);
        for (var i = 0; i < 100_000; i++)
            claims.Heard(Vip, MacAddress.Read([2, 0, 0, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), "eth0", isProbe: false);
        claims.Heard(Vip6, Other, "eth0", isProbe: false); // not watched
        Assert.Equal(1, news);
        Assert.Equal(1024, claims.Take().Count);
        Assert.Equal(100_000 - 1024, claims.Dropped);
        Assert.Empty(claims.Take());
        claims.Unwatch(Vip);
        claims.Heard(Vip, Other, "eth0", isProbe: false);
        Assert.Empty(claims.Take());
    }

    /// <summary>A node on a wire, its time, and a station that claims its address.</summary>
    private sealed class Watch : IDisposable
    {
        private readonly IpAddress _address;
        private long _now;

        public Watch(IpAddress? address = null, Func<MacAddress, bool>? isOurs = null)
        {
            _address = address ?? Vip;
            Truth = new WireTruth(Lan.Announcer, Lan.Claims, isOurs ?? (_ => false), (service, news, claim) =>
            {
                Assert.Equal((Web, _address), (service, claim.Address));
                News.Add((news, claim.Mac));
            });
        }

        public Lan Lan { get; } = new();

        public WireTruth Truth { get; }

        public List<(TruthNews, MacAddress)> News { get; } = [];

        public List<long> Steps { get; } = [];

        public bool Announces
        {
            get
            {
                var before = Gratuitous;
                Lan.Announcer.Defend(_address, 0);
                return Gratuitous > before;
            }
        }

        public int Gratuitous =>
            Lan.Metrics.Render().Split('\n').FirstOrDefault(line => line.StartsWith("metallb_layer2_gratuitous_sent{", StringComparison.Ordinal)) is { } line
                ? int.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture)
                : 0;

        public void Assign(ConflictPolicy policy, bool isFirst = true)
        {
            Truth.Set(Web, [_address], policy, isFirst ? [_address] : [], 0);
            Lan.Announcer.Set(Web, [_address], [], 0);
            Run(to: 0);
        }

        /// <summary>Lets time pass as the speaker's loop does.</summary>
        public void Run(long to)
        {
            Truth.Advance(Lan.Claims.Take(), _now);
            while (Truth.Deadline is { } due && due <= to)
            {
                _now = Math.Max(_now, due);
                Steps.Add(_now);
                Truth.Advance(Lan.Claims.Take(), _now);
            }

            _now = to;
            Truth.Advance(Lan.Claims.Take(), _now);
        }

        public void Claim(ArpOperation form) => Send(new ArpPacket(form, Other, Vip.ToIPv4(), MacAddress.Broadcast, Vip.ToIPv4()));

        public void Send(ArpPacket packet)
        {
            Lan.Client.Send(new ArpFrame(MacAddress.Broadcast, Other, packet));
            Heard();
        }

        /// <summary>What was sent before has been dealt with: the node answers in order.</summary>
        public void Heard()
        {
            var fence = IpAddress.Parse(_address.IsIPv4 ? "192.168.100.241" : "fd00:100::f1", null);
            Lan.Announcer.Set(new ObjectKey("default", "fence"), [fence], [], 0);
            if (_address.IsIPv4)
            {
                Lan.Client.Ask(fence.ToIPv4());
                while (Lan.Client.NextAnswer().Packet.Sender != fence.ToIPv4())
                    continue;
            }
            else
            {
                Lan.Client6.Ask(fence.ToIPv6());
                while (Lan.Client6.NextAnswer().Message.Target != fence.ToIPv6())
                    continue;
            }
        }

        public void IsSilent()
        {
            var fence = IpAddress.Parse("192.168.100.242", null);
            Lan.Announcer.Set(new ObjectKey("default", "fence"), [fence], [], 0);
            Lan.Client.Ask(fence.ToIPv4());
            Assert.Equal(fence.ToIPv4(), Lan.Client.NextAnswer().Packet.Sender);
        }

        public void Dispose() => Lan.Dispose();
    }
}
