using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>What is announced of a prefix.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="Attributes">What is said about it.</param>
public readonly record struct Route(BgpPrefix Prefix, PathAttributes Attributes);
