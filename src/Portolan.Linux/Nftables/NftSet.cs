namespace Portolan.Linux.Nftables;

/// <summary>The definition of a set or a map.</summary>
/// <param name="Name">Unique in its table.</param>
/// <param name="KeyType">For display: <see cref="NftTypes"/>.</param>
/// <param name="KeyLength">Bytes, each field padded to 4.</param>
/// <param name="DataType">For display; <see cref="NftTypes.Verdict"/> makes a verdict map. 0 for sets.</param>
/// <param name="DataLength">Bytes; 0 for sets and verdict maps.</param>
/// <param name="Flags">Set, map, ranges.</param>
/// <param name="Size">The most elements it takes; 0 where there is no limit.</param>
/// <param name="HasCounters">Each element counts the packets that matched it.</param>
public sealed record NftSet(
    string Name, uint KeyType, uint KeyLength, uint DataType = 0, uint DataLength = 0, NftSetFlags Flags = NftSetFlags.None, uint Size = 0, bool HasCounters = false);

/// <summary>A chain as the kernel has it.</summary>
/// <param name="Name">Unique in its table.</param>
/// <param name="Hook">Where a base chain sits; null for others.</param>
/// <param name="Priority">A base chain's priority.</param>
/// <param name="Type">A base chain's type, such as <c>nat</c>.</param>
public readonly record struct NftChainInfo(string Name, NftHook? Hook, int Priority, string? Type);

/// <summary>A rule as the kernel has it.</summary>
/// <param name="Chain">The chain it belongs to.</param>
/// <param name="Handle">Unique in its table; never used again.</param>
/// <param name="UserData">What was stored with it.</param>
public sealed record NftRuleInfo(string Chain, ulong Handle, byte[] UserData);

/// <summary>An element of a dump, a view of the bytes it was received in.</summary>
public readonly ref struct NftElement
{
    /// <summary>The key, each field padded to 4 bytes.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>The last key of a range in a set of concatenations; empty elsewhere.</summary>
    public ReadOnlySpan<byte> KeyEnd { get; init; }

    /// <summary>How often the element was matched since it was added, where the set counts; otherwise 0.</summary>
    public ulong Packets { get; init; }

    /// <summary>The length of the packets that matched.</summary>
    public ulong Bytes { get; init; }

    /// <summary>The data of a map; empty in sets and verdict maps.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>The verdict of a verdict map.</summary>
    public NftVerdict? Verdict { get; init; }

    /// <summary>The key ends a range instead of starting one.</summary>
    public bool IsIntervalEnd { get; init; }
}

/// <summary>Looks at one element.</summary>
public delegate void NftElementHandler(NftElement element);
