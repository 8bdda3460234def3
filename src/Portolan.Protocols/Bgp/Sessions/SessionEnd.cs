using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>Which side a session ended for.</summary>
public enum SessionEndOrigin : byte
{
    /// <summary>We ended it.</summary>
    Local,

    /// <summary>The peer sent a NOTIFICATION.</summary>
    Peer,

    /// <summary>The TCP connection could not be made, or is gone.</summary>
    Transport,
}

/// <summary>How an attempt or a session ended.</summary>
/// <param name="Origin">Which side it ended for.</param>
/// <param name="Error">The NOTIFICATION sent or received; with none, its reason may still say what happened.</param>
/// <param name="State">The state that it ended in: Established, or how far the attempt came.</param>
/// <param name="IsIncoming">The peer made the connection.</param>
public readonly record struct SessionEnd(SessionEndOrigin Origin, BgpError Error, SessionState State, bool IsIncoming)
{
    /// <summary>For people: <c>the peer ended it in OpenConfirm: OPEN Message Error/Bad Peer AS</c>.</summary>
    public override string ToString()
    {
        var who = Origin switch
        {
            SessionEndOrigin.Local => "we ended it",
            SessionEndOrigin.Peer => "the peer ended it",
            _ => "the connection failed",
        };
        var why = Error.IsNone ? Error.Reason : Error.ToString();
        return string.IsNullOrEmpty(why) ? $"{who} in {State}" : $"{who} in {State}: {why}";
    }
}
