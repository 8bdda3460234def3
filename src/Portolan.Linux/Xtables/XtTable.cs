using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Portolan.Linux.Xtables;

/// <summary>A rule that leads from one chain to another.</summary>
/// <param name="From">The chain with the rule.</param>
/// <param name="To">Where it jumps or goes to.</param>
/// <param name="Entry">The rule's number among the table's entries.</param>
public readonly record struct XtJump(string From, string To, int Entry);

/// <summary>
/// A table of the legacy iptables as the kernel gives it: entries one after the other, each a rule, or the head or the end of a chain;
/// jumps are offsets. What the rules match is carried along as bytes and not looked at.
/// </summary>
public sealed class XtTable
{
    private const int LongestTable = 256 << 20;
    private readonly XtLayout _layout;
    private readonly byte[] _bytes;
    private readonly List<Entry> _entries;
    private readonly uint _validHooks;
    private readonly int[] _hookEntries;
    private readonly int[] _underflows;

    private XtTable(XtLayout layout, byte[] bytes, List<Entry> entries, uint validHooks, int[] hookEntries, int[] underflows) =>
        (_layout, _bytes, _entries, _validHooks, _hookEntries, _underflows) = (layout, bytes, entries, validHooks, hookEntries, underflows);

    /// <summary>How many entries there are; the kernel calls this the number of counters.</summary>
    public int Count => _entries.Count;

    /// <summary>The chains, built-in ones first or wherever they are.</summary>
    public IEnumerable<string> Chains => _entries.Select(entry => entry.Chain).Where(chain => chain.Length > 0).Distinct();

    /// <summary>Every rule that leads to another chain.</summary>
    public IEnumerable<XtJump> Jumps
    {
        get
        {
            for (var i = 0; i < _entries.Count; i++)
            {
                if (_entries[i].JumpsTo is { } to)
                    yield return new XtJump(_entries[i].Chain, to, i);
            }
        }
    }

    /// <summary>Whether the built-in chain's policy is to drop.</summary>
    public bool Drops(string builtIn) => Array.IndexOf(Xt.HookNames, builtIn) is >= 0 and var hook && (_validHooks >> hook & 1) != 0
        && _entries.Exists(entry => entry.Offset == _underflows[hook] && entry.Verdict == -1); // -NF_DROP - 1

    /// <summary>Reads a table.</summary>
    /// <param name="family">The family.</param>
    /// <param name="info">struct ipt_getinfo.</param>
    /// <param name="bytes">The entries; kept.</param>
    /// <returns>Null where the bytes are not a table as the kernel keeps them.</returns>
    public static XtTable? TryParse(AddressFamily family, ReadOnlySpan<byte> info, byte[] bytes)
    {
        var layout = XtLayout.Of(family);
        if (info.Length < Xt.InfoSize || bytes.Length > LongestTable)
            return null;
        var validHooks = MemoryMarshal.Read<uint>(info[Xt.InfoValidHooks..]);
        var hookEntries = MemoryMarshal.Cast<byte, int>(info.Slice(Xt.InfoHookEntries, 4 * Xt.Hooks)).ToArray();
        var underflows = MemoryMarshal.Cast<byte, int>(info.Slice(Xt.InfoUnderflows, 4 * Xt.Hooks)).ToArray();
        var entries = new List<Entry>();
        for (var offset = 0; offset < bytes.Length;)
        {
            if (Entry.TryParse(layout, bytes, offset) is not { } entry)
                return null;
            entries.Add(entry);
            offset += entry.Size;
        }

        // The table ends with a head of a chain that is none.
        if (entries is not [.., { HeadOf: "ERROR" }] || !TryNameChains(entries, validHooks, hookEntries, underflows) || !TryResolveJumps(entries))
            return null;
        return new XtTable(layout, bytes, entries, validHooks, hookEntries, underflows);
    }

    private static bool TryNameChains(List<Entry> entries, uint validHooks, int[] hookEntries, int[] underflows)
    {
        var chain = "";
        var end = -1;
        var found = 0;
        for (var i = 0; i < entries.Count - 1; i++)
        {
            var entry = entries[i];
            if (entry.HeadOf is { } head)
                (chain, end) = (head, -1);
            for (var hook = 0; hook < Xt.Hooks; hook++)
            {
                if ((validHooks >> hook & 1) == 0 || hookEntries[hook] != entry.Offset)
                    continue;
                (chain, end) = (Xt.HookNames[hook], underflows[hook]);
                found++;
            }

            if (chain.Length == 0)
                return false;
            entries[i] = entry with { Chain = chain };
            if (entry.Offset == end)
                (chain, end) = ("", -1);
        }

        // Each hook starts at an entry, and its chain had its policy before another began.
        return end == -1 && found == System.Numerics.BitOperations.PopCount(validHooks & ((1u << Xt.Hooks) - 1))
            && Enumerable.Range(0, Xt.Hooks).All(hook => (validHooks >> hook & 1) == 0
                || entries.Exists(entry => entry.Offset == underflows[hook] && entry.Chain == Xt.HookNames[hook]));
    }

    private static bool TryResolveJumps(List<Entry> entries)
    {
        var starts = new Dictionary<int, string>();
        foreach (var entry in entries.SkipLast(1))
        {
            if (entry.HeadOf is { } head && !starts.TryAdd(entry.Offset + entry.Size, head))
                return false;
        }

        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            // A verdict that leads to the next rule is how a rule without a target is kept.
            if (entry.Verdict is not >= 0 || entry.Verdict == entry.Offset + entry.Size)
                continue;
            if (!starts.TryGetValue(entry.Verdict.Value, out var to))
                return false;
            entries[i] = entry with { JumpsTo = to };
        }

        return true;
    }

    /// <summary>The table without some of its rules and chains.</summary>
    /// <param name="rules">Numbers of entries that are rules of chains which stay.</param>
    /// <param name="chains">Chains that users made; no rule that stays may lead to them.</param>
    public XtReplacement Without(IReadOnlySet<int> rules, IReadOnlySet<string> chains)
    {
        var kept = new List<int>();
        var newOffsets = new Dictionary<int, int>();
        var length = 0;
        for (var i = 0; i < _entries.Count; i++)
        {
            // What goes is replaced by what follows it: the first rule of a built-in chain is where its hook leads.
            newOffsets[_entries[i].Offset] = length;
            if (rules.Contains(i) || (_entries[i].Chain.Length > 0 && chains.Contains(_entries[i].Chain)))
                continue;
            kept.Add(i);
            length += _entries[i].Size;
        }

        var bytes = new byte[length];
        var offset = 0;
        foreach (var number in kept)
        {
            var entry = _entries[number];
            _bytes.AsSpan(entry.Offset, entry.Size).CopyTo(bytes.AsSpan(offset));
            if (entry.Verdict is >= 0)
            {
                if (entry.JumpsTo is { } to && chains.Contains(to))
                    throw new ArgumentException($"a rule in {entry.Chain} leads to {to}", nameof(chains));
                var verdict = entry.JumpsTo is null ? offset + entry.Size : newOffsets[entry.Verdict.Value];
                MemoryMarshal.Write(bytes.AsSpan(offset + entry.TargetOffset + Xt.TargetHeader), verdict);
            }

            offset += entry.Size;
        }

        return new XtReplacement(bytes, kept, _validHooks, Map(_hookEntries), Map(_underflows));

        int[] Map(int[] offsets) => [.. offsets.Select((old, hook) => (_validHooks >> hook & 1) == 0 ? old : newOffsets[old])];
    }

    private readonly record struct Entry(int Offset, int Size, int TargetOffset, string? HeadOf, int? Verdict)
    {
        /// <summary>The chain it belongs to; empty for the table's end.</summary>
        internal string Chain { get; init; } = "";

        internal string? JumpsTo { get; init; }

        internal static Entry? TryParse(XtLayout layout, ReadOnlySpan<byte> table, int offset)
        {
            var bytes = table[offset..];
            if (bytes.Length < layout.EntrySize)
                return null;
            int target = MemoryMarshal.Read<ushort>(bytes[layout.TargetOffset..]), size = MemoryMarshal.Read<ushort>(bytes[layout.NextOffset..]);
            if (target < layout.EntrySize || size < target + Xt.TargetHeader || size > bytes.Length || size % 8 != 0 || target % 8 != 0)
                return null;
            var body = bytes[target..size];
            int targetSize = MemoryMarshal.Read<ushort>(body);
            if (targetSize < Xt.TargetHeader || targetSize > body.Length)
                return null;
            var own = body[Xt.TargetHeader..targetSize];
            switch (Text(body.Slice(Xt.TargetName, Xt.TargetNameSize)))
            {
                case "": // XT_STANDARD_TARGET
                    return own.Length < 4 ? null : new Entry(offset, size, target, null, MemoryMarshal.Read<int>(own));
                case "ERROR": // XT_ERROR_TARGET
                    return own.Length < Xt.ErrorNameSize || Text(own[..Xt.ErrorNameSize]) is not { Length: > 0 } name ? null : new Entry(offset, size, target, name, null);
                default:
                    return new Entry(offset, size, target, null, null);
            }
        }

        private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes.IndexOf((byte)0) is >= 0 and var end ? bytes[..end] : bytes);
    }
}

/// <summary>What the kernel is to put in a table's place.</summary>
/// <param name="Bytes">The entries.</param>
/// <param name="Kept">Of each entry, its number in the table it replaces.</param>
/// <param name="ValidHooks">As they were.</param>
/// <param name="HookEntries">Where each hook starts.</param>
/// <param name="Underflows">Where each hook's policy is.</param>
public sealed record XtReplacement(byte[] Bytes, IReadOnlyList<int> Kept, uint ValidHooks, IReadOnlyList<int> HookEntries, IReadOnlyList<int> Underflows);
