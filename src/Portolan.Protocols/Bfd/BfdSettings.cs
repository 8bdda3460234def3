namespace Portolan.Protocols.Bfd;

/// <summary>What a session asks of its path.</summary>
/// <param name="DesiredMinTx">Microseconds between our packets while Up, if the other side can take it.</param>
/// <param name="RequiredMinRx">The shortest interval in microseconds at which we take packets.</param>
/// <param name="DetectMultiplier">How many of our intervals the other side lets pass in silence: 1..255.</param>
public readonly record struct BfdSettings(uint DesiredMinTx, uint RequiredMinRx, byte DetectMultiplier)
{
    /// <summary>The shortest interval while a session is not Up (RFC 5880 §6.8.3): one second.</summary>
    public const uint SlowInterval = 1_000_000;

    /// <summary>Whether to say nothing until the other side is heard (RFC 5880 §6.1: the passive role). One side at least must be active.</summary>
    public bool Passive { get; init; }

    /// <summary>What serves both who want a session so: the faster of each, and active if either is.</summary>
    public BfdSettings FasterOf(BfdSettings other) => new(
        Math.Min(DesiredMinTx, other.DesiredMinTx),
        RequiredMinRx == 0 || other.RequiredMinRx == 0 ? Math.Max(RequiredMinRx, other.RequiredMinRx) : Math.Min(RequiredMinRx, other.RequiredMinRx),
        Math.Min(DetectMultiplier, other.DetectMultiplier))
    {
        Passive = Passive && other.Passive,
    };

    /// <summary>The same with no interval below so many microseconds. To receive nothing (0) stays that.</summary>
    public BfdSettings NoFasterThan(uint floor) => this with
    {
        DesiredMinTx = Math.Max(DesiredMinTx, floor),
        RequiredMinRx = RequiredMinRx == 0 ? 0 : Math.Max(RequiredMinRx, floor),
    };

    /// <summary>The same interval both ways, in milliseconds.</summary>
    public static BfdSettings Every(int milliseconds, byte multiplier) =>
        new((uint)milliseconds * 1000, (uint)milliseconds * 1000, multiplier);
}
