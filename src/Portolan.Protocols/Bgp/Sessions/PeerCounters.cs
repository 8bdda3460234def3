namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>What a peer's sessions did since it was made. UPDATEs and ROUTE-REFRESHes sent are counted by who sends them.</summary>
public sealed class PeerCounters
{
    /// <summary>Sessions that were established.</summary>
    public long Established { get; internal set; }

    /// <summary>Bytes received.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>OPENs sent.</summary>
    public long OpensSent { get; internal set; }

    /// <summary>KEEPALIVEs sent.</summary>
    public long KeepalivesSent { get; internal set; }

    /// <summary>NOTIFICATIONs sent.</summary>
    public long NotificationsSent { get; internal set; }

    /// <summary>OPENs received.</summary>
    public long OpensReceived { get; internal set; }

    /// <summary>KEEPALIVEs received.</summary>
    public long KeepalivesReceived { get; internal set; }

    /// <summary>NOTIFICATIONs received.</summary>
    public long NotificationsReceived { get; internal set; }

    /// <summary>UPDATEs received.</summary>
    public long UpdatesReceived { get; internal set; }

    /// <summary>UPDATEs received with errors that the session outlives (RFC 7606).</summary>
    public long UpdatesTolerated { get; internal set; }

    /// <summary>ROUTE-REFRESHes received.</summary>
    public long RefreshesReceived { get; internal set; }

    /// <summary>Prefixes announced to us, again ones included.</summary>
    public long PrefixesAnnounced { get; internal set; }

    /// <summary>Prefixes withdrawn from us.</summary>
    public long PrefixesWithdrawn { get; internal set; }

    /// <summary>Connections of the peer's that were refused, as there were two already or the peer is stopped.</summary>
    public long Refused { get; internal set; }
}
