using Portolan.Protocols.Bfd;

namespace Portolan.Bfd;

/// <summary>A session that is to be held, and how.</summary>
/// <param name="Name">With whom.</param>
/// <param name="Settings">Intervals, multiplier and role.</param>
/// <param name="Key">Signs and checks its packets; null: no authentication.</param>
/// <param name="MinimumTtl">The least TTL, or hop limit, of packets over more than one hop: 1..254, 255 minus the routers between. A single hop demands 255.</param>
internal readonly record struct SessionWish(SessionName Name, BfdSettings Settings, BfdKey? Key, byte MinimumTtl = SessionWish.AnyTtl)
{
    /// <summary>
    /// Any number of routers between. It is what MetalLB comes to where nothing is said: 254 is the default of FRR's bfdd, but its bgpd, which asks for the
    /// session, says 256 less the hops it allows, and allows 255 to iBGP and to <c>ebgp-multihop</c>.
    /// </summary>
    public const byte AnyTtl = 1;
}
