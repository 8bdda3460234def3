using System.Net;

namespace Portolan.Linux.Links;

/// <summary>An IP address on an interface (RTM_NEWADDR, rtnetlink(7)).</summary>
/// <param name="Link">The interface's index.</param>
/// <param name="Address">The local address.</param>
/// <param name="PrefixLength">0..32 or 0..128.</param>
/// <param name="Scope">RT_SCOPE_…: 0 global, 253 link, 254 host.</param>
public sealed record InterfaceAddress(int Link, IPAddress Address, int PrefixLength, byte Scope);
