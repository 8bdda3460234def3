using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Portolan.Core.Forwarding;

/// <summary>
/// The lookup table of Maglev (Eisenbud et al., NSDI 2016, §3.4): each real server wants the slots in an order of its own, which follows
/// from its address and port alone; they take turns, and each takes the first it wants that is free. So every node has the same table,
/// all have equal shares, and where one comes or goes little else moves.
/// </summary>
public static class MaglevTable
{
    /// <summary>Unless a Service says otherwise. 40 real servers are within 1 % of their share.</summary>
    public const int DefaultSize = 4093;

    // Below this the shares are too unequal to be of use: the next size is taken, whatever was asked for.
    private const int LeastSlotsEach = 10;

    /// <summary>The sizes a table can have: primes, or not every order would lead to every slot.</summary>
    public static IReadOnlyList<int> Sizes { get; } = [251, 1021, 4093, 16381, 65521];

    /// <summary>The size of the table for a number of real servers.</summary>
    /// <param name="asked">One of <see cref="Sizes"/>. A larger one is taken only where there would be fewer than ten slots for each: another size moves nearly all clients.</param>
    /// <param name="servers">Real servers.</param>
    public static int SizeFor(int asked, int servers)
    {
        foreach (var size in Sizes)
        {
            if (size >= asked && size >= (long)servers * LeastSlotsEach)
                return size;
        }

        return Sizes[^1];
    }

    /// <summary>Fills a table.</summary>
    /// <param name="servers">At most 65536, in the same order everywhere.</param>
    /// <param name="weights">Of each, 0 or more; at least one is more.</param>
    /// <param name="size">One of <see cref="Sizes"/>.</param>
    /// <returns>For each slot the index of its real server.</returns>
    public static ushort[] Build(IReadOnlyList<RealServer> servers, ReadOnlySpan<int> weights, int size)
    {
        var wishes = new Wishes[servers.Count];
        var heaviest = 0;
        for (var i = 0; i < wishes.Length; i++)
        {
            wishes[i] = Wishes.Of(servers[i], (uint)size);
            heaviest = Math.Max(heaviest, weights[i]);
        }

        ArgumentOutOfRangeException.ThrowIfZero(heaviest, nameof(weights));
        // In the first round everybody has a turn, or one of little weight might never have any.
        for (var i = 0; i < wishes.Length; i++)
            wishes[i].Saved = weights[i] > 0 ? heaviest - weights[i] : 0;

        var table = new ushort[size];
        var taken = new bool[size];
        for (var free = size; ;)
        {
            for (var i = 0; i < wishes.Length; i++)
            {
                // One turn in each round for the heaviest; the others save up for theirs.
                ref var wish = ref wishes[i];
                wish.Saved += weights[i];
                if (wish.Saved < heaviest)
                    continue;
                wish.Saved -= heaviest;
                var slot = wish.Next;
                while (taken[slot])
                    slot = wish.After(slot, (uint)size);
                (table[slot], taken[slot]) = ((ushort)i, true);
                wish.Next = wish.After(slot, (uint)size);
                if (--free == 0)
                    return table;
            }
        }
    }

    /// <summary>The order in which one real server wants the slots: offset, offset + skip, offset + 2 skip, … modulo the size.</summary>
    private struct Wishes
    {
        internal uint Next;
        internal int Saved;
        private uint _skip;

        internal readonly uint After(uint slot, uint size)
        {
            var next = slot + _skip;
            return next >= size ? next - size : next;
        }

        // SHA-256 is the same on every machine and in every release; what it costs is little beside the filling.
        internal static Wishes Of(RealServer server, uint size)
        {
            Span<byte> identity = stackalloc byte[18];
            server.Address.WriteTo(identity);
            BinaryPrimitives.WriteUInt16BigEndian(identity[server.Address.Size..], server.Port);
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(identity[..(server.Address.Size + 2)], hash);
            return new Wishes
            {
                Next = (uint)(BinaryPrimitives.ReadUInt64BigEndian(hash) % size),
                _skip = (uint)(BinaryPrimitives.ReadUInt64BigEndian(hash[8..]) % (size - 1)) + 1,
            };
        }
    }
}
