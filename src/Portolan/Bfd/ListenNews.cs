using Portolan.Core.Addresses;

namespace Portolan.Bfd;

/// <summary>Whether packets to an address of this node are heard.</summary>
/// <param name="Local">The address.</param>
/// <param name="Link">The interface; empty: any.</param>
/// <param name="Error">0: they are. Otherwise the errno: 99 (EADDRNOTAVAIL) where the address is not this node's, 98 (EADDRINUSE) where another program holds the port.</param>
internal readonly record struct ListenNews(IpAddress Local, string Link, int Error);
