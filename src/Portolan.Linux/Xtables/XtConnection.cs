using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Portolan.Linux.Xtables;

/// <summary>
/// The tables of the legacy iptables, in the network namespace of the thread that opened it. They are read and replaced as a whole, by
/// options of any IP socket; that takes CAP_NET_ADMIN.
/// </summary>
public sealed class XtConnection : IDisposable
{
    private readonly XtLayout _layout;
    private readonly Socket _socket;

    private XtConnection(XtLayout layout, Socket socket, IReadOnlyList<string> tables) => (_layout, _socket, Tables) = (layout, socket, tables);

    /// <summary>The tables that exist. Asking for another would make it, with its hooks in every packet's way.</summary>
    public IReadOnlyList<string> Tables { get; }

    /// <summary>Opens a connection.</summary>
    /// <returns>Null where this kernel has no such tables, or none is in use.</returns>
    public static XtConnection? TryOpen(AddressFamily family)
    {
        var layout = XtLayout.Of(family);
        try
        {
            var names = File.ReadAllLines("/proc/thread-self/net/" + layout.NamesFile).Where(name => name.Length is > 0 and < Xt.NameSize).ToList();
            return names.Count == 0 || !Environment.Is64BitProcess ? null : new XtConnection(layout, new Socket(family, SocketType.Dgram, ProtocolType.Udp), names);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Reads a table.</summary>
    /// <returns>Null where it is not one we understand.</returns>
    /// <exception cref="SocketException">The kernel refused. EAGAIN: somebody changed the table meanwhile.</exception>
    public XtTable? Read(string table)
    {
        Span<byte> info = stackalloc byte[Xt.InfoSize];
        Name(info, table);
        _socket.GetRawSocketOption(_layout.OptionLevel, Xt.GetInfo, info);
        var length = MemoryMarshal.Read<int>(info[Xt.InfoLength..]);
        if (length is < 0 or > 256 << 20)
            return null;
        var answer = new byte[Xt.EntriesHeader + length];
        Name(answer, table);
        MemoryMarshal.Write(answer.AsSpan(Xt.NameSize), length);
        _socket.GetRawSocketOption(_layout.OptionLevel, Xt.GetEntries, answer);
        return XtTable.TryParse(_layout.Family, info, answer[Xt.EntriesHeader..]);
    }

    /// <summary>Replaces a table in one step, and gives the rules that stay their counters back.</summary>
    /// <param name="table">The table's name.</param>
    /// <param name="old">As it was read.</param>
    /// <param name="replacement">What it becomes.</param>
    /// <exception cref="SocketException">The kernel refused. EAGAIN: the table has another number of rules than <paramref name="old"/>.</exception>
    public void Replace(string table, XtTable old, XtReplacement replacement)
    {
        // The kernel writes the counters of the old entries here, at the moment it takes them out of the packets' way.
        var counters = GC.AllocateArray<byte>(Math.Max(1, old.Count) * Xt.CounterSize, pinned: true);
        var request = new byte[Xt.ReplaceHeader + replacement.Bytes.Length];
        Name(request, table);
        MemoryMarshal.Write(request.AsSpan(Xt.ReplaceValidHooks), replacement.ValidHooks);
        MemoryMarshal.Write(request.AsSpan(Xt.ReplaceCount), replacement.Kept.Count);
        MemoryMarshal.Write(request.AsSpan(Xt.ReplaceLength), replacement.Bytes.Length);
        for (var hook = 0; hook < Xt.Hooks; hook++)
        {
            MemoryMarshal.Write(request.AsSpan(Xt.ReplaceHookEntries + (4 * hook)), replacement.HookEntries[hook]);
            MemoryMarshal.Write(request.AsSpan(Xt.ReplaceUnderflows + (4 * hook)), replacement.Underflows[hook]);
        }

        MemoryMarshal.Write(request.AsSpan(Xt.ReplaceCounterCount), old.Count);
        MemoryMarshal.Write(request.AsSpan(Xt.ReplaceCounters), Marshal.UnsafeAddrOfPinnedArrayElement(counters, 0));
        replacement.Bytes.CopyTo(request.AsSpan(Xt.ReplaceHeader));
        _socket.SetRawSocketOption(_layout.OptionLevel, Xt.SetReplace, request);
        GC.KeepAlive(counters);

        var back = new byte[Xt.CountersHeader + (replacement.Kept.Count * Xt.CounterSize)];
        Name(back, table);
        MemoryMarshal.Write(back.AsSpan(Xt.NameSize), replacement.Kept.Count);
        for (var i = 0; i < replacement.Kept.Count; i++)
            counters.AsSpan(replacement.Kept[i] * Xt.CounterSize, Xt.CounterSize).CopyTo(back.AsSpan(Xt.CountersHeader + (i * Xt.CounterSize)));
        _socket.SetRawSocketOption(_layout.OptionLevel, Xt.AddCounters, back);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static void Name(Span<byte> request, string table) => Encoding.ASCII.GetBytes(table, request[..(Xt.NameSize - 1)]);
}
