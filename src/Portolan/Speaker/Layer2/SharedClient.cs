using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2;

/// <summary>A client of an address that several nodes answer for.</summary>
/// <param name="Mac">The client's hardware address.</param>
/// <param name="Address">The client's own address, of the same family.</param>
/// <param name="Target">The address it asked for.</param>
internal readonly record struct SharedClient(MacAddress Mac, IpAddress Address, IpAddress Target);
