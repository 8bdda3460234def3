using System.Globalization;

namespace Portolan.Soak.ControllerKills;

/// <summary>A pool and the block of addresses that it never leaves: 172.31.BLOCK.0 to .255.</summary>
/// <param name="Name">The pool's name.</param>
/// <param name="Block">The third number.</param>
internal sealed record PoolBlock(string Name, int Block)
{
    /// <summary>Always there, always given out: with it nobody has to wait for want of addresses.</summary>
    public static readonly PoolBlock Base = new("base", 0);

    public static readonly IReadOnlyList<PoolBlock> Edited = [new("edited-0", 10), new("edited-1", 11), new("edited-2", 12)];

    /// <summary>The last number in the pool now; −1 while the pool is not there.</summary>
    public int Last { get; set; } = 255;

    public static PoolBlock? Of(string address) => Edited.Append(Base).FirstOrDefault(pool => address.StartsWith($"172.31.{pool.Block}.", StringComparison.Ordinal));

    public bool Contains(string address) => Of(address) == this && int.Parse(address.AsSpan(address.LastIndexOf('.') + 1), CultureInfo.InvariantCulture) <= Last;

    public string Address(int last) => $"172.31.{Block}.{last}";

    public bool Equals(PoolBlock? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Block;
}
