using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Portolan.Linux.Tests.Xtables;

/// <summary>Puts a table of the legacy iptables together as the kernel does: rules, then the policy of each built-in chain, then the users' chains.</summary>
internal sealed class TableBytes(AddressFamily family)
{
    private readonly List<byte> _bytes = [];
    private readonly Dictionary<string, int> _starts = [];
    private readonly List<(int At, string To)> _jumps = [];
    private readonly int[] _hooks = [-1, -1, -1, -1, -1], _underflows = [-1, -1, -1, -1, -1];
    private uint _valid;

    private bool IsV4 => family is AddressFamily.InterNetwork;

    /// <summary>A built-in chain; each rule leads to a chain, or nowhere where its name is empty.</summary>
    internal TableBytes BuiltIn(int hook, int policy, params string[] rules)
    {
        _valid |= 1u << hook;
        _hooks[hook] = _bytes.Count;
        Rules(rules);
        _underflows[hook] = _bytes.Count;
        Standard(policy);
        return this;
    }

    internal TableBytes User(string name, params string[] rules)
    {
        Error(name);
        _starts[name] = _bytes.Count;
        Rules(rules);
        Standard(-5); // RETURN
        return this;
    }

    internal (byte[] Info, byte[] Bytes) Build()
    {
        Error("ERROR");
        var bytes = _bytes.ToArray();
        foreach (var (at, to) in _jumps)
            MemoryMarshal.Write(bytes.AsSpan(at), _starts[to]);
        var info = new byte[84];
        MemoryMarshal.Write(info.AsSpan(32), _valid);
        for (var hook = 0; hook < 5; hook++)
        {
            MemoryMarshal.Write(info.AsSpan(36 + (4 * hook)), _hooks[hook]);
            MemoryMarshal.Write(info.AsSpan(56 + (4 * hook)), _underflows[hook]);
        }

        MemoryMarshal.Write(info.AsSpan(80), bytes.Length);
        return (info, bytes);
    }

    private void Rules(string[] rules)
    {
        foreach (var rule in rules)
        {
            if (rule.Length > 0)
            {
                _jumps.Add((_bytes.Count + (IsV4 ? 112 : 168) + 32, rule));
                Standard(0);
            }
            else
            {
                var at = Entry(40, "MARK");
                _bytes[at + 33] = 0x40;
            }
        }
    }

    private void Standard(int verdict)
    {
        var target = Entry(40, "");
        MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes)[(target + 32)..], verdict);
    }

    private void Error(string name)
    {
        var target = Entry(64, "ERROR");
        Encoding.ASCII.GetBytes(name, CollectionsMarshal.AsSpan(_bytes)[(target + 32)..]);
    }

    private int Entry(int targetSize, string target)
    {
        var (start, size, offsets) = (_bytes.Count, IsV4 ? 112 : 168, IsV4 ? 88 : 140);
        CollectionsMarshal.SetCount(_bytes, start + size + targetSize);
        var entry = CollectionsMarshal.AsSpan(_bytes)[start..];
        entry.Clear();
        MemoryMarshal.Write(entry[offsets..], (ushort)size);
        MemoryMarshal.Write(entry[(offsets + 2)..], (ushort)(size + targetSize));
        MemoryMarshal.Write(entry[size..], (ushort)targetSize);
        Encoding.ASCII.GetBytes(target, entry[(size + 2)..]);
        return start + size;
    }
}
