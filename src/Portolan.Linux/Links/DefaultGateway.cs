using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Links;

/// <summary>A neighbour through which a default route leads.</summary>
/// <param name="Link">The index of the interface it is on.</param>
/// <param name="Address">Its address, which may be of the other family than the route (RFC 5549).</param>
/// <param name="Family">The route's family: what is lost without it.</param>
public readonly record struct DefaultGateway(int Link, IPAddress Address, AddressFamily Family);
