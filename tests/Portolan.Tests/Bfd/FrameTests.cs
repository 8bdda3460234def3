using CsCheck;
using Portolan.Bfd;
using Portolan.Bfd.Frames;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;

namespace Portolan.Tests.Bfd;

public sealed class FrameTests
{
    private static readonly SessionName _name = new(IpAddress.Parse("192.168.100.100"), IpAddress.Parse("192.168.100.101"));
    private readonly byte[] _frame = new byte[Frame.MaxSize];

    [Fact]
    public void WritesAWishAsDocumented()
    {
        var size = WishFrame.Write(_frame, new SessionWish(_name with { Link = "eth0" }, BfdSettings.Every(100, 3), new BfdKey(7, "secret"u8)));
        Assert.Equal(
            "00 31 02" // body of 49 bytes, Want
            + " 04 C0 A8 64 64 04 C0 A8 64 65 04 65 74 68 30 00" // both addresses, eth0, one hop
            + " 00 01 86 A0 00 01 86 A0 03 00 01" // 100,000 µs both ways, × 3, active, any TTL
            + " 05 07 73 65 63 72 65 74 00 00 00 00 00 00 00 00 00 00 00 00 00 00", // meticulous SHA1, key 7
            Hex(_frame.AsSpan(0, size)));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("secret", true)]
    [InlineData("twenty bytes exactly", false)]
    public void ReadsTheWishesItWrites(string? secret, bool meticulous)
    {
        var wish = new SessionWish(
            new(IpAddress.Parse("fe80::1"), IpAddress.Parse("fe80::2"), "eth0.100", Multihop: true), new(50_000, 0, 255) { Passive = true },
            secret is null ? null : new BfdKey(1, System.Text.Encoding.ASCII.GetBytes(secret), meticulous), 254);
        var size = WishFrame.Write(_frame, wish);
        Assert.Equal(size, Frame.TryRead(_frame, out var kind, out var body));
        Assert.Equal(FrameKind.Want, kind);
        Assert.True(WishFrame.TryParse(body, out var read));
        Assert.Equal(wish, read);
    }

    [Fact]
    public void ReadsTransitionsAndNewsAndFiguresItWrites()
    {
        var transition = new BfdTransition<SessionName>(_name, BfdState.Up, BfdState.Down, BfdDiagnostic.DetectionTimeExpired, BfdState.Down, RemoteIsIndependent: true);
        TransitionFrame.Write(_frame, transition);
        Frame.TryRead(_frame, out _, out var body);
        Assert.True(TransitionFrame.TryParse(body, out var read));
        Assert.Equal(transition, read);

        var news = new ListenNews(new SessionPlace(_name.Local, "vrf-red", Multihop: true), 99);
        ListenFrame.Write(_frame, news);
        Frame.TryRead(_frame, out _, out body);
        Assert.True(ListenFrame.TryParse(body, out var readNews));
        Assert.Equal(news, readNews);

        var figures = new LoopFigures { Sent = 5, Received = 4, Discarded = 3 };
        figures.WokenLate(70);
        figures.WokenLate(70_000_000);
        FiguresFrame.Write(_frame, figures);
        Frame.TryRead(_frame, out _, out body);
        var readFigures = new LoopFigures();
        Assert.True(FiguresFrame.TryParse(body, readFigures));
        Assert.Equal((5, 4, 3, 70_000_070), (readFigures.Sent, readFigures.Received, readFigures.Discarded, readFigures.Lateness));
        Assert.Equal(figures.Counts.ToArray(), readFigures.Counts.ToArray());
        Assert.Equal((1, 1), (readFigures.Counts[1], readFigures.Counts[^1]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadsEndsAndSessionsItWrites(bool flag)
    {
        var name = _name with { Multihop = flag };
        ForgetFrame.Write(_frame, name, flag);
        Frame.TryRead(_frame, out var kind, out var body);
        Assert.True(ForgetFrame.TryParse(body, out var read, out var planned));
        Assert.Equal((FrameKind.Forget, name, flag), (kind, read, planned));

        var figures = new SessionFigures(name, BfdState.Up, BfdDiagnostic.NeighborSignaledDown, BfdState.Init, flag, 1, 2, 3, 4, 5, 6, long.MaxValue);
        var size = SessionFrame.Write(_frame, figures);
        Assert.Equal(size, Frame.TryRead(_frame, out kind, out body));
        Assert.True(SessionFrame.TryParse(body, out var readFigures));
        Assert.Equal((FrameKind.Session, figures), (kind, readFigures));
    }

    [Theory]
    [InlineData("04 C0A86464 04 C0A86465 00 00 000186A0 000186A0 03 00 FE")] // no authentication type
    [InlineData("04 C0A86464 04 C0A86465 00 00 000186A0 000186A0 03 00 FE 00 00")] // too long
    [InlineData("04 C0A86464 04 C0A86465 00 00 000186A0 000186A0 00 00 FE 00")] // multiplier 0
    [InlineData("04 C0A86464 04 C0A86465 00 00 00000000 000186A0 03 00 FE 00")] // never sends
    [InlineData("04 C0A86464 04 C0A86465 00 00 FFFFFFFF 000186A0 03 00 FE 00")] // beyond a minute
    [InlineData("04 C0A86464 04 C0A86465 00 00 000186A0 000186A0 03 00 FE 03")] // MD5, which nobody should use
    [InlineData("04 C0A86464 04 C0A86465 00 00 000186A0 000186A0 03 00 FE 05 01 736563726574")] // half a secret
    [InlineData("04 C0A86464 06 FE80000000000000 0000000000000002 00 00 000186A0 000186A0 03 00 FE 00")] // two families
    [InlineData("05 C0A86464 04 C0A86465 00 00 000186A0 000186A0 03 00 FE 00")] // no family
    [InlineData("04 C0A86464 04 C0A86465 10 65746830656574683065657468306565 00 000186A0 000186A0 03 00 FE 00")] // 16 letters
    [InlineData("04 C0A86464 04 C0A86465 04 65740A30 00 000186A0 000186A0 03 00 FE 00")] // a line feed in a name
    [InlineData("04 C0A86464 04 C0A86465 00 02 000186A0 000186A0 03 00 FE 00")] // neither one hop nor more
    [InlineData("04 C0A86464 04 C0A86465 00 00 000186A0 000186A0 03 02 FE 00")] // neither active nor passive
    [InlineData("04 C0A86464 04 C0A86465 00 01 000186A0 000186A0 03 00 FF 00")] // more hops, and no router between
    [InlineData("04 C0A86464 04 C0A86465 00 01 000186A0 000186A0 03 00 00 00")] // a TTL that nothing has
    [InlineData("")]
    public void RefusesAWishThatIsNone(string body) => Assert.False(WishFrame.TryParse(Convert.FromHexString(body.Replace(" ", "")), out _));

    [Fact]
    public void WaitsForTheRestOfAFrame_AndKnowsWhatIsNone()
    {
        Assert.Equal(0, Frame.TryRead([], out _, out _));
        Assert.Equal(0, Frame.TryRead([0, 1, 1], out _, out _));
        Assert.Equal(4, Frame.TryRead([0, 1, 1, 9, 0], out _, out _));
        Assert.Equal(-1, Frame.TryRead([0, 254, 1], out _, out _));
    }

    [Fact]
    public void TakesAnyBytesWithoutAnException() => Gen.Byte.Array[0, 80].Sample(bytes =>
    {
        Assert.InRange(Frame.TryRead(bytes, out _, out _), -1, bytes.Length);
        bool[] understood =
        [
            WishFrame.TryParse(bytes, out _), ForgetFrame.TryParse(bytes, out _, out _), SessionFrame.TryParse(bytes, out _), TransitionFrame.TryParse(bytes, out _),
            ListenFrame.TryParse(bytes, out _), FiguresFrame.TryParse(bytes, new LoopFigures()), Hello.TryParse(bytes, out _),
        ];
        Assert.True(bytes.Length > 0 || !understood.Contains(true));
    }, iter: 20_000);

    private static string Hex(ReadOnlySpan<byte> bytes) => string.Join(' ', bytes.ToArray().Select(value => value.ToString("X2")));
}
