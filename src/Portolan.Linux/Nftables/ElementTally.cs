using System.Runtime.InteropServices;

namespace Portolan.Linux.Nftables;

/// <summary>
/// Which elements a dump has listed. The kernel resumes a dump by counting how many it has listed, so that one during which it grows the set's hash table can list some twice
/// and as many never: their number is right, and only the elements themselves tell. As many as there are, and none twice, are all of them.
/// </summary>
internal sealed class ElementTally
{
    private const ulong Start = 0xCBF2_9CE4_8422_2325; // FNV-1a, 64 bits
    private const ulong Prime = 0x100_0000_01B3;

    private readonly List<ulong> _hashes = [];

    /// <summary>How many were listed.</summary>
    public int Count => _hashes.Count;

    /// <summary>The same for the same elements, in whatever order.</summary>
    public ulong Sum { get; private set; }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        _hashes.Clear();
        Sum = 0;
    }

    /// <summary>Notes an element by what it is found by.</summary>
    public void Add(in NftElement element)
    {
        var hash = Mixed(Mixed(Start, element.Key), element.KeyEnd);
        hash = (hash ^ (element.IsIntervalEnd ? 1u : 0u)) * Prime;
        _hashes.Add(hash);
        Sum += hash;
    }

    /// <summary>Whether none was listed twice. Puts them in order.</summary>
    public bool AreDistinct()
    {
        var hashes = CollectionsMarshal.AsSpan(_hashes);
        hashes.Sort();
        for (var i = 1; i < hashes.Length; i++)
            if (hashes[i] == hashes[i - 1])
                return false;
        return true;
    }

    private static ulong Mixed(ulong hash, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
            hash = (hash ^ value) * Prime;
        return (hash ^ (uint)bytes.Length) * Prime;
    }
}
