namespace Portolan.Bfd;

/// <summary>Whether packets to an address of this node are heard.</summary>
/// <param name="Place">The address, and where.</param>
/// <param name="Error">0: they are. Otherwise the errno: 99 (EADDRNOTAVAIL) where the address is not this node's, 98 (EADDRINUSE) where another program holds the port.</param>
internal readonly record struct ListenNews(SessionPlace Place, int Error);
