using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// How a neighbour's sessions and attempts ended: what is remembered of that, and how loudly it is told. What nobody else says and somebody must mend is told
/// loudly, and once until it is something else.
/// </summary>
/// <param name="log">Told of it.</param>
/// <param name="mayWarn">Whether at this moment, in microseconds, what is new may be told loudly.</param>
internal sealed class SessionEnds(ILogger log, Func<long, bool> mayWarn)
{
    private string? _told;
    private long _badSignatures;

    /// <summary>The last end worth remembering, or null.</summary>
    public SessionEnd? Last { get; private set; }

    /// <summary>When that was, microseconds.</summary>
    public long LastAt { get; private set; }

    /// <summary>An attempt begins.</summary>
    public void Begin() => _badSignatures = TcpMd5Key.BadSignatures();

    /// <summary>A session is over.</summary>
    public void Down(string title, IPAddress? address, SessionEnd end, long now)
    {
        (Last, LastAt) = (end, now);
        log.LogWarning("bgp: session with {Peer} ({Address}) is over: {End}", title, address, end);
    }

    /// <summary>An attempt came to nothing.</summary>
    /// <param name="title">Whose.</param>
    /// <param name="address">Where it is.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="isSigned">With a TCP MD5 key.</param>
    /// <param name="now">The present, microseconds.</param>
    public void Failed(string title, IPAddress? address, SessionEnd end, bool isSigned, long now)
    {
        end = Explained(end, isSigned);
        // What a NOTIFICATION said is not forgotten over attempts that come to nothing, nor over one of two connections that gave way.
        if (Last is null || Last.Value.Error.IsNone || (!end.Error.IsNone && !IsCollision(end)))
            (Last, LastAt) = (end, now);
        var isNews = end.Error.Code is not BgpErrorCode.None && !IsCollision(end) && IsNews(end.ToString(), now);
        log.Log(isNews ? LogLevel.Warning : LogLevel.Debug, "bgp: no session with {Peer} ({Address}): {End}", title, address, end);
    }

    /// <summary>A connection that the neighbour made cannot be used.</summary>
    public void Unusable(string title, string reason, long now)
    {
        log.Log(IsNews(reason, now) ? LogLevel.Warning : LogLevel.Debug, "bgp: the connection of peer {Peer} cannot be used: {Failure}", title, reason);
    }

    /// <summary>Serving it failed: to be said of its next life.</summary>
    public void Fault(Exception failure, SessionState state, long now) =>
        (Last, LastAt) = (new SessionEnd(SessionEndOrigin.Local, new BgpError(BgpErrorCode.None, 0, default, $"a fault of this speaker: {failure.Message}"), state, IsIncoming: false), now);

    private bool IsNews(string failure, long now)
    {
        if (_told == failure)
            return false;
        _told = failure;
        return mayWarn(now);
    }

    // A key that is not theirs shows only as silence.
    private SessionEnd Explained(SessionEnd end, bool isSigned)
    {
        if (end is not { Origin: SessionEndOrigin.Transport, State: SessionState.Connect, Error.Reason: PeerSession<BgpConnection>.NoAnswer })
            return end;
        var dropped = TcpMd5Key.BadSignatures() - _badSignatures;
        var why = dropped > 0 ? $"; meanwhile {dropped} TCP segments came whose MD5 signature was wrong or missing" : isSigned ? "; its TCP MD5 key may be another one" : "";
        return end with { Error = end.Error with { Reason = end.Error.Reason + why } };
    }

    private static bool IsCollision(SessionEnd end) => (end.Error.Code, end.Error.Subcode) == (BgpErrorCode.Cease, (byte)CeaseSubcode.CollisionResolution);
}
