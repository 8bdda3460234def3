using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>A station was heard to say that it has an address, or that it is about to.</summary>
/// <param name="Address">The address.</param>
/// <param name="Mac">The station's hardware address.</param>
/// <param name="Where">The interface it was heard on, or the node that heard it.</param>
/// <param name="IsProbe">It probes the address, and does not have it yet (RFC 5227 §2.1.1).</param>
internal readonly record struct WireClaim(IpAddress Address, MacAddress Mac, string Where, bool IsProbe);
