namespace Portolan.Protocols.Bgp.Wire;

/// <summary>The names of error codes and subcodes, as IANA's "BGP Error (Notification) Codes" and its subcodes have them.</summary>
public static class BgpErrorText
{
    /// <summary>For people: <c>Cease/Administrative Shutdown</c>, <c>Hold Timer Expired</c>, <c>Cease/subcode 77</c>.</summary>
    public static string Of(BgpErrorCode code, byte subcode) => Name(code, subcode) is { } name ? $"{Of(code)}/{name}" : subcode == 0 ? Of(code) : $"{Of(code)}/subcode {subcode}";

    private static string Of(BgpErrorCode code) => code switch
    {
        BgpErrorCode.MessageHeader => "Message Header Error",
        BgpErrorCode.Open => "OPEN Message Error",
        BgpErrorCode.Update => "UPDATE Message Error",
        BgpErrorCode.HoldTimerExpired => "Hold Timer Expired",
        BgpErrorCode.StateMachine => "Finite State Machine Error",
        BgpErrorCode.Cease => "Cease",
        BgpErrorCode.RouteRefresh => "ROUTE-REFRESH Message Error",
        BgpErrorCode.SendHoldTimerExpired => "Send Hold Timer Expired",
        _ => $"error {(byte)code}",
    };

    private static string? Name(BgpErrorCode code, byte subcode) => (code, subcode) switch
    {
        (BgpErrorCode.MessageHeader, 1) => "Connection Not Synchronized",
        (BgpErrorCode.MessageHeader, 2) => "Bad Message Length",
        (BgpErrorCode.MessageHeader, 3) => "Bad Message Type",
        (BgpErrorCode.Open, 1) => "Unsupported Version Number",
        (BgpErrorCode.Open, 2) => "Bad Peer AS",
        (BgpErrorCode.Open, 3) => "Bad BGP Identifier",
        (BgpErrorCode.Open, 4) => "Unsupported Optional Parameter",
        (BgpErrorCode.Open, 5) => "Authentication Failure",
        (BgpErrorCode.Open, 6) => "Unacceptable Hold Time",
        (BgpErrorCode.Open, 7) => "Unsupported Capability",
        (BgpErrorCode.Open, 11) => "Role Mismatch",
        (BgpErrorCode.Update, 1) => "Malformed Attribute List",
        (BgpErrorCode.Update, 2) => "Unrecognized Well-known Attribute",
        (BgpErrorCode.Update, 3) => "Missing Well-known Attribute",
        (BgpErrorCode.Update, 4) => "Attribute Flags Error",
        (BgpErrorCode.Update, 5) => "Attribute Length Error",
        (BgpErrorCode.Update, 6) => "Invalid ORIGIN Attribute",
        (BgpErrorCode.Update, 7) => "AS Routing Loop",
        (BgpErrorCode.Update, 8) => "Invalid NEXT_HOP Attribute",
        (BgpErrorCode.Update, 9) => "Optional Attribute Error",
        (BgpErrorCode.Update, 10) => "Invalid Network Field",
        (BgpErrorCode.Update, 11) => "Malformed AS_PATH",
        (BgpErrorCode.StateMachine, 1) => "Receive Unexpected Message in OpenSent State",
        (BgpErrorCode.StateMachine, 2) => "Receive Unexpected Message in OpenConfirm State",
        (BgpErrorCode.StateMachine, 3) => "Receive Unexpected Message in Established State",
        (BgpErrorCode.Cease, 1) => "Maximum Number of Prefixes Reached",
        (BgpErrorCode.Cease, 2) => "Administrative Shutdown",
        (BgpErrorCode.Cease, 3) => "Peer De-configured",
        (BgpErrorCode.Cease, 4) => "Administrative Reset",
        (BgpErrorCode.Cease, 5) => "Connection Rejected",
        (BgpErrorCode.Cease, 6) => "Other Configuration Change",
        (BgpErrorCode.Cease, 7) => "Connection Collision Resolution",
        (BgpErrorCode.Cease, 8) => "Out of Resources",
        (BgpErrorCode.Cease, 9) => "Hard Reset",
        (BgpErrorCode.Cease, 10) => "BFD Down",
        (BgpErrorCode.RouteRefresh, 1) => "Invalid Message Length",
        _ => null,
    };
}
