namespace Portolan.Proxy.Nftables;

/// <summary>
/// What a front is mapped to: five 32-bit numbers, so that each lookup that follows finds its key whole in a register.
/// Plain numbers, because adding an element with a <c>goto</c> makes the kernel check every verdict of the table again.
/// </summary>
/// <param name="Later">
/// <c>0x00FFXXII</c>: the actions of later stages. <c>FF</c> after the source ranges, <c>XX</c> for clients outside the cluster or whose
/// affinity leads nowhere, <c>II</c> for clients inside.
/// </param>
/// <param name="Entry">The first action (<see cref="FrontAction"/>).</param>
/// <param name="Affinity">How long a client is remembered, in seconds as <see cref="AffinityTime.Round"/> gives them; 0: it is not.</param>
/// <param name="Set">The real server set: twice the Service port's number, one more for this node's real servers only.</param>
/// <param name="Ranges">The list of source ranges, or 0.</param>
internal readonly record struct FrontValue(uint Later, uint Entry, uint Affinity, uint Set, uint Ranges)
{
    /// <summary>The length in the kernel, in bytes.</summary>
    internal const int Size = 20;

    /// <summary>In a set's number: the real servers of this node only.</summary>
    internal const uint LocalSet = 1;

    /// <summary>The distance between two Service ports, which have two sets each.</summary>
    internal const uint PortStep = 2;

    internal const uint FilteredMask = 0xff0000;
    internal const uint ExternalMask = 0xff00;
    internal const uint InternalMask = 0xff;

    /// <summary>The number of the Service port's first set.</summary>
    internal uint Port => Set & ~LocalSet;

    /// <summary>Seconds of session affinity as the kernel counts them; 0 for none.</summary>
    internal int AffinitySeconds => (int)Affinity;

    /// <summary>The choice for clients outside the cluster in the end, whatever comes before it.</summary>
    internal uint Outside => FrontAction.Choice(Later == 0 ? Entry : (Later & ExternalMask) >> 8);

    internal static uint LaterOf(uint filtered, uint external, uint @internal) => (filtered << 16) | (external << 8) | @internal;
}
