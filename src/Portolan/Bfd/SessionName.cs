using Portolan.Core.Addresses;

namespace Portolan.Bfd;

/// <summary>What tells one session from another: both addresses, and the interface (RFC 5881 §3).</summary>
/// <param name="Local">An address of this node.</param>
/// <param name="Peer">The neighbour's, of the same family.</param>
/// <param name="Link">The interface that the neighbour is behind; empty: any. Link-local addresses need one.</param>
internal readonly record struct SessionName(IpAddress Local, IpAddress Peer, string Link = "");
