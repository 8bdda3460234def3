namespace Portolan.Protocols.Bgp.Wire;

/// <summary>The codes of the capabilities that are understood (IANA "Capability Codes").</summary>
public enum CapabilityCode : byte
{
    /// <summary>Multiprotocol Extensions (RFC 4760 §8): AFI, a reserved byte, SAFI.</summary>
    Multiprotocol = 1,

    /// <summary>Route Refresh (RFC 2918 §2): empty.</summary>
    RouteRefresh = 2,

    /// <summary>Extended Next Hop Encoding (RFC 8950 §4): AFI, SAFI in two bytes and AFI of the next hop, time and again.</summary>
    ExtendedNextHop = 5,

    /// <summary>Extended Message (RFC 8654 §3): empty.</summary>
    ExtendedMessage = 6,

    /// <summary>Graceful Restart (RFC 4724 §3): flags and time in two bytes, then AFI, SAFI, flags, time and again.</summary>
    GracefulRestart = 64,

    /// <summary>Four-octet AS number (RFC 6793 §3): the number.</summary>
    FourOctetAsn = 65,

    /// <summary>Enhanced Route Refresh (RFC 7313 §3.1): empty.</summary>
    EnhancedRouteRefresh = 70,

    /// <summary>Link-Local Next Hop (draft-ietf-idr-linklocal-capability): empty.</summary>
    LinkLocalNextHop = 77,

    /// <summary>Route Refresh as Cisco routers had it before there was a standard.</summary>
    OldRouteRefresh = 128,
}
