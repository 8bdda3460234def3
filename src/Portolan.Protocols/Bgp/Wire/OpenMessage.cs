namespace Portolan.Protocols.Bgp.Wire;

/// <summary>An OPEN (RFC 4271 §4.2).</summary>
/// <param name="Asn">The AS number, from the four-octet capability where there is one (RFC 6793).</param>
/// <param name="HoldTime">Seconds: 0, or 3..65535.</param>
/// <param name="Identifier">The BGP identifier as a number, not 0 (RFC 6286).</param>
/// <param name="Capabilities">What the side can do.</param>
public sealed partial record OpenMessage(uint Asn, ushort HoldTime, uint Identifier, Capabilities Capabilities);
