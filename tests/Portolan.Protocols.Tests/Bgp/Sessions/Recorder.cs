using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

/// <summary>A session on its own, whose peer is the test: what it does is written down in words, a line each. Connections are names.</summary>
internal sealed class Recorder : IPeerSink<string>
{
    public const long Second = 1_000_000;

    public static readonly PeerSettings Ours = new() { LocalAsn = 64512, Identifier = 0x0a000001, PeerAsn = 64513 };

    public static readonly OpenMessage Theirs = new(64513, 90, 0x0a000002, new Capabilities { Families = BgpFamilies.IPv4Unicast, FourOctetAsn = 64513, RouteRefresh = true });

    private readonly List<string> _lines = [];

    public Recorder(PeerSettings? settings = null, int seed = 1) => Session = new PeerSession<string>(settings ?? Ours, this, new Random(seed));

    public PeerSession<string> Session { get; }

    public long Now { get; private set; } = 1_000 * Second;

    /// <summary>The last bytes sent.</summary>
    public byte[] LastSent { get; private set; } = [];

    /// <summary>Does not write down what is done; for tests of allocations.</summary>
    public bool IsMuted { get; set; }

    /// <summary>What has been done since the last look.</summary>
    public string[] Take()
    {
        var lines = _lines.ToArray();
        _lines.Clear();
        return lines;
    }

    /// <summary>Lets the time pass, with every timer at its time.</summary>
    public void Pass(long time)
    {
        for (var end = Now + time; ;)
        {
            var next = Session.NextDeadline;
            if (next > end)
            {
                Now = end;
                return;
            }

            Now = Math.Max(Now, next);
            Session.Tick(Now);
            Assert.True(Session.NextDeadline > Now, "a timer that does not go on");
        }
    }

    public void Hear(string connection, params ReadOnlySpan<byte> bytes) => Session.Received(connection, bytes, Now);

    public void Hear(string connection, OpenMessage open) => Hear(connection, Bytes(open));

    /// <summary>Starts, and goes on until a connection of ours is established.</summary>
    public void Establish(OpenMessage? open = null)
    {
        Session.Start(Now);
        Session.Connected("ours", Now);
        Hear("ours", open ?? Theirs);
        Hear("ours", Keepalive);
        Assert.Equal(SessionState.Established, Session.State);
        Take();
    }

    public static byte[] Keepalive => Message(4);

    public static byte[] Bytes(OpenMessage open)
    {
        var bytes = new byte[OpenMessage.MaxSize];
        return bytes[..open.WriteTo(bytes)];
    }

    /// <summary>A header, and the body behind it.</summary>
    public static byte[] Message(byte type, params byte[] body) =>
        [.. Enumerable.Repeat((byte)0xff, 16), (byte)((19 + body.Length) >> 8), (byte)(19 + body.Length), type, .. body];

    void IPeerSink<string>.Connect() => Write("connect");

    void IPeerSink<string>.CancelConnect() => Write("cancel");

    void IPeerSink<string>.Send(string connection, ReadOnlySpan<byte> bytes)
    {
        if (IsMuted)
            return;
        LastSent = bytes.ToArray();
        Assert.Equal(BgpFrame.Complete, BgpFraming.TryRead(bytes, 4096, out var type, out var length, out _));
        Assert.Equal(bytes.Length, length);
        Write($"{connection}: {type}{(type is BgpMessageType.Notification ? $" {bytes[19]}/{bytes[20]}" : "")}");
    }

    void IPeerSink<string>.Close(string connection) => Write($"{connection}: close");

    void IPeerSink<string>.Established(string connection, SessionTerms terms) => Write($"{connection}: established");

    void IPeerSink<string>.Down(SessionEnd end) => Write($"down: {end.Origin} {(byte)end.Error.Code}/{end.Error.Subcode}");

    void IPeerSink<string>.Failed(SessionEnd end) => Write($"failed: {end.Origin} {(byte)end.Error.Code}/{end.Error.Subcode} in {end.State}");

    void IPeerSink<string>.RefreshAsked(BgpFamily family) => Write($"refresh {family}");

    void IPeerSink<string>.EndOfRibHeard(BgpFamily family) => Write($"end of RIB {family}");

    void IPeerSink<string>.Stalled(string connection, long since) => Write($"{connection}: stalled for {(Now - since) / Second} s");

    private void Write(string line)
    {
        if (!IsMuted)
            _lines.Add(line);
    }
}
