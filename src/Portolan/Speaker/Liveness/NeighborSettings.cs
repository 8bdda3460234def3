using Portolan.Bfd;
using Portolan.Core.Configuration;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>How a session with a neighbour is held. It is not authenticated: a BFDProfile has no key.</summary>
/// <param name="Session">Intervals, multiplier and role.</param>
/// <param name="MinimumTtl">The least TTL, or hop limit, over more than one hop: 1..254.</param>
/// <param name="Vrf">The name of its VRF in metrics.</param>
internal readonly record struct NeighborSettings(BfdSettings Session, byte MinimumTtl = SessionWish.AnyTtl, string Vrf = "default")
{
    private const uint Millisecond = 1000;

    /// <summary>The settings that a BFDProfile asks for. Echo packets are not sent, whatever it says of them.</summary>
    public static NeighborSettings Of(BfdProfile profile, string vrf = "default") => new(
        new BfdSettings((uint)profile.TransmitInterval * Millisecond, (uint)profile.ReceiveInterval * Millisecond, (byte)profile.DetectMultiplier) { Passive = profile.PassiveMode },
        (byte)(profile.MinimumTtl ?? SessionWish.AnyTtl),
        vrf);
}
