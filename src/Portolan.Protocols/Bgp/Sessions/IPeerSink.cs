using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>
/// What a <see cref="PeerSession{TConnection}"/> wants done and tells of. It is called from within the session's methods and must not call back into them:
/// what comes of it is told later.
/// </summary>
/// <typeparam name="TConnection">A TCP connection; told apart by reference.</typeparam>
public interface IPeerSink<TConnection>
    where TConnection : class
{
    /// <summary>Make a connection, and answer with <see cref="PeerSession{TConnection}.Connected"/> or <see cref="PeerSession{TConnection}.ConnectFailed"/>.</summary>
    void Connect();

    /// <summary>The attempt is no longer wanted; there is to be no answer to it.</summary>
    void CancelConnect();

    /// <summary>Send bytes, behind those that still wait.</summary>
    /// <param name="connection">On which connection.</param>
    /// <param name="bytes">One message; they do not outlive the call.</param>
    void Send(TConnection connection, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Close a connection, of which the session wants to hear no more. What was sent goes out first: shut down for sending, read until the peer
    /// closes or a second has passed, then close, or else unread bytes make the kernel send a reset that overtakes the NOTIFICATION.
    /// </summary>
    void Close(TConnection connection);

    /// <summary>Routes can be sent on this connection.</summary>
    void Established(TConnection connection, SessionTerms terms);

    /// <summary>The session that was established is no more.</summary>
    void Down(SessionEnd end);

    /// <summary>An attempt ended before it was established; another follows unless the peer was stopped. To log.</summary>
    void Failed(SessionEnd end);

    /// <summary>The peer wants all routes of an agreed family anew (RFC 2918).</summary>
    void RefreshAsked(BgpFamily family);

    /// <summary>The peer has sent all of its routes of a family (RFC 4724 §2).</summary>
    void EndOfRibHeard(BgpFamily family);

    /// <summary>The peer has taken nothing of what we send for <see cref="PeerSettings.StallTime"/>. Told once until it takes something again.</summary>
    /// <param name="connection">On which connection.</param>
    /// <param name="since">Since when, microseconds.</param>
    void Stalled(TConnection connection, long since);
}
