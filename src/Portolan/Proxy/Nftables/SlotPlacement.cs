using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Nftables;

/// <summary>Which real server is in which slot of a set in the kernel.</summary>
internal static class SlotPlacement
{
    /// <summary>
    /// The slots of a choice. Where the order does not matter, real servers that stay keep their slots where they can, so that little changes in
    /// the kernel: new ones fill the holes of those that left, holes that remain are filled from the end.
    /// </summary>
    internal static IReadOnlyList<RealServer> Place(IReadOnlyList<RealServer> before, RealServerChoice choice)
    {
        var wanted = choice.Slots;
        if (choice.Scheduler is Scheduler.Maglev || (before.Count == 0 && wanted.Count <= FrontAction.MaxCount))
            return wanted;
        if (AreSame(before, wanted))
            return wanted;
        var count = Math.Min(wanted.Count, FrontAction.MaxCount);
        var unplaced = new Dictionary<RealServer, int>(count);
        for (var slot = 0; slot < count; slot++)
            CollectionsMarshal.GetValueRefOrAddDefault(unplaced, wanted[slot], out _)++;

        var placed = new RealServer?[Math.Max(before.Count, count)];
        for (var slot = 0; slot < before.Count; slot++)
        {
            if (Take(before[slot]))
                placed[slot] = before[slot];
        }

        var hole = 0;
        for (var slot = 0; slot < count; slot++)
        {
            if (Take(wanted[slot]))
                FillHole(wanted[slot]);
        }

        for (var slot = placed.Length - 1; slot >= count; slot--)
        {
            if (placed[slot] is { } server)
                FillHole(server);
        }

        return Array.ConvertAll(placed[..count], server => server!.Value);

        bool Take(RealServer server)
        {
            ref var left = ref CollectionsMarshal.GetValueRefOrNullRef(unplaced, server);
            if (Unsafe.IsNullRef(ref left) || left == 0)
                return false;
            left--;
            return true;
        }

        void FillHole(RealServer server)
        {
            while (placed[hole] is not null)
                hole++;
            placed[hole] = server;
        }
    }

    private static bool AreSame(IReadOnlyList<RealServer> before, IReadOnlyList<RealServer> wanted)
    {
        if (before.Count != wanted.Count || wanted.Count > FrontAction.MaxCount)
            return false;
        for (var slot = 0; slot < wanted.Count; slot++)
        {
            if (before[slot] != wanted[slot])
                return false;
        }

        return true;
    }
}
