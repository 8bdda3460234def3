using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

// What the peer says.
public sealed partial class PeerSession<TConnection>
{
    /// <summary>Bytes that arrived, in whatever pieces.</summary>
    /// <param name="connection">On which connection; one that the session has closed is ignored.</param>
    /// <param name="bytes">The bytes; they need not outlive the call.</param>
    /// <param name="now">When they arrived, microseconds.</param>
    public void Received(TConnection connection, ReadOnlySpan<byte> bytes, long now)
    {
        if (Find(connection) is not { } lane || bytes.IsEmpty)
            return;
        Counters.BytesReceived += bytes.Length;

        // A part of a long message is a sign of life, too.
        if (lane.State is SessionState.Established && lane.HoldAt != Never)
            lane.HoldAt = now + lane.HoldTime;
        Read(lane, connection, bytes, now);
        Resume(now);
    }

    private void Read(ConnectionLane<TConnection> lane, TConnection connection, ReadOnlySpan<byte> bytes, long now)
    {
        while (!bytes.IsEmpty && ReferenceEquals(lane.Connection, connection))
        {
            if (lane.IsParked)
            {
                // Nothing but KEEPALIVEs can follow an OPEN that was not answered.
                if (lane.Buffer.Fill(bytes, BgpFraming.Longest) < bytes.Length)
                    Happen(lane, SessionEvent.OpenCollisionDump, now);
                return;
            }

            // A message is read where it arrived; only one that did not arrive whole is put together in the buffer, and it alone.
            var isBuffered = !lane.Buffer.IsEmpty;
            if (isBuffered)
                bytes = bytes[Fill(lane, bytes)..];
            var source = isBuffered ? lane.Buffer.Span : bytes;
            switch (BgpFraming.TryRead(source, lane.LongestReceived, out var type, out var length, out var error))
            {
                case BgpFrame.Complete when isBuffered:
                    Take(lane, type, source, now);
                    lane.Buffer.Clear();
                    break;
                case BgpFrame.Complete:
                    bytes = bytes[length..];
                    Take(lane, type, source[..length], now);
                    break;
                case BgpFrame.Incomplete when isBuffered:
                    break;
                case BgpFrame.Incomplete:
                    Fill(lane, bytes);
                    return;
                default:
                    Happen(lane, error.Code is BgpErrorCode.MessageHeader ? SessionEvent.BgpHeaderError : SessionEvent.UpdateError, now, error, BgpMessageType.RouteRefresh);
                    return;
            }
        }
    }

    // Takes what the message at hand still lacks.
    private static int Fill(ConnectionLane<TConnection> lane, ReadOnlySpan<byte> bytes)
    {
        BgpFraming.TryRead(lane.Buffer.IsEmpty ? bytes : lane.Buffer.Span, lane.LongestReceived, out _, out var length, out _);
        return lane.Buffer.Fill(bytes, length == 0 ? BgpFraming.HeaderSize : length);
    }

    private void Take(ConnectionLane<TConnection> lane, BgpMessageType type, ReadOnlySpan<byte> message, long now)
    {
        switch (type)
        {
            case BgpMessageType.Open:
                Counters.OpensReceived++;
                TakeOpen(lane, message, now);
                break;
            case BgpMessageType.Keepalive:
                Counters.KeepalivesReceived++;
                Happen(lane, SessionEvent.KeepaliveReceived, now, default, type);
                break;
            case BgpMessageType.Notification:
                Counters.NotificationsReceived++;
                Happen(lane, SessionEvent.NotificationReceived, now, Heard(message));
                break;
            case BgpMessageType.Update:
                Counters.UpdatesReceived++;
                TakeUpdate(lane, message, now);
                break;
            default:
                Counters.RefreshesReceived++;
                TakeRefresh(lane, message, now);
                break;
        }
    }

    private void TakeOpen(ConnectionLane<TConnection> lane, ReadOnlySpan<byte> message, long now)
    {
        if (lane.State is not SessionState.OpenSent)
        {
            Happen(lane, SessionEvent.BgpOpen, now, default, BgpMessageType.Open);
            return;
        }

        if (OpenMessage.TryParse(message, out var open, out var error))
            error = Negotiation.Check(_settings, open!);
        if (error.IsNone)
            Decide(lane, open!, now);
        else
            Happen(lane, SessionEvent.BgpOpenError, now, error);
    }

    private void TakeUpdate(ConnectionLane<TConnection> lane, ReadOnlySpan<byte> message, long now)
    {
        if (lane.State is not SessionState.Established)
        {
            Happen(lane, SessionEvent.UpdateReceived, now, default, BgpMessageType.Update);
            return;
        }

        if (!UpdateMessage.TryParse(message, out var update, out var error))
        {
            Happen(lane, SessionEvent.UpdateError, now, error);
            return;
        }

        Counters.PrefixesAnnounced += update.Announced(BgpFamily.IPv4Unicast) + update.Announced(BgpFamily.IPv6Unicast);
        Counters.PrefixesWithdrawn += update.Withdrawn(BgpFamily.IPv4Unicast) + update.Withdrawn(BgpFamily.IPv6Unicast);
        if (update.Tolerated is not null)
            Counters.UpdatesTolerated++;
        if (_prefixes?.Take(update) == false)
        {
            Happen(lane, SessionEvent.AutomaticStop, now, BgpError.Cease(CeaseSubcode.MaximumPrefixes, $"more than {_settings.MaxPrefixes} prefixes"));
            return;
        }

        Happen(lane, SessionEvent.UpdateReceived, now);
        if (update.EndOfRib is { } family)
            _sink.EndOfRibHeard(family);
    }

    private void TakeRefresh(ConnectionLane<TConnection> lane, ReadOnlySpan<byte> message, long now)
    {
        if (!RouteRefreshMessage.TryParse(message, out var refresh, out var error))
        {
            Happen(lane, SessionEvent.UpdateError, now, error, BgpMessageType.RouteRefresh);
            return;
        }

        Happen(lane, SessionEvent.RouteRefreshReceived, now, default, BgpMessageType.RouteRefresh);

        // The marks of the peer's own answers mean nothing to one that keeps no routes; what was not agreed on is ignored (RFC 2918 §4).
        if (lane is { State: SessionState.Established, Terms: { RouteRefresh: true } terms } && refresh.Subtype is RouteRefreshSubtype.Request && refresh.Family is { } family && terms.Families.Has(family))
            _sink.RefreshAsked(family);
    }

    private static BgpError Heard(ReadOnlySpan<byte> message)
    {
        // Its framing was good, so that there is a code.
        _ = NotificationMessage.TryParse(message, out var heard);
        var cause = heard.Cause;
        var reason = heard.Communication ?? (cause.Code != heard.Code || cause.Subcode != heard.Subcode ? BgpErrorText.Of(cause.Code, cause.Subcode) : "");
        return new BgpError(heard.Code, heard.Subcode, heard.Data, reason);
    }
}
