using Portolan.Protocols.Bfd;

namespace Portolan.Bfd;

/// <summary>How it is with a session.</summary>
/// <param name="Name">Which.</param>
/// <param name="State">Our state.</param>
/// <param name="Diagnostic">Why we last left Up.</param>
/// <param name="RemoteState">The other side's state as last heard.</param>
/// <param name="RemoteIsIndependent">The other side's C bit as last heard.</param>
/// <param name="SendInterval">Microseconds between our packets, as agreed on, before jitter.</param>
/// <param name="ReceiveInterval">Microseconds between theirs.</param>
/// <param name="DetectionTime">Microseconds of silence that take the session down; 0 while nothing has been heard.</param>
/// <param name="Sent">Packets sent since the session began.</param>
/// <param name="Received">Packets received and believed.</param>
/// <param name="Ups">How often it came up.</param>
/// <param name="Downs">How often it left Up.</param>
internal readonly record struct SessionFigures(
    SessionName Name,
    BfdState State,
    BfdDiagnostic Diagnostic,
    BfdState RemoteState,
    bool RemoteIsIndependent,
    long SendInterval,
    long ReceiveInterval,
    long DetectionTime,
    long Sent,
    long Received,
    long Ups,
    long Downs)
{
    public static SessionFigures Of(SessionName name, BfdSession session) => new(
        name, session.State, session.Diagnostic, session.RemoteState, session.RemoteIsIndependent, session.SendInterval, session.ReceiveInterval,
        session.DetectionTime, session.Sent, session.Received, session.Ups, session.Downs);
}
