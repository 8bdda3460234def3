using System.Globalization;

namespace Portolan.Core.Addresses;

/// <summary>The addresses from <see cref="First"/> to <see cref="Last"/>, both included, of one family.</summary>
public readonly record struct IpRange
{
    /// <summary>The addresses between two of the same family.</summary>
    /// <exception cref="ArgumentException">Different families, or the last is below the first.</exception>
    public IpRange(IpAddress first, IpAddress last)
    {
        if (first.Family != last.Family || last < first)
            throw new ArgumentException($"{first}-{last} is no range");
        (First, Last) = (first, last);
    }

    /// <summary>The addresses of a block.</summary>
    public IpRange(IpPrefix prefix)
        : this(prefix.Address, prefix.Last)
    {
    }

    /// <summary>The lowest address.</summary>
    public IpAddress First { get; }

    /// <summary>The highest address.</summary>
    public IpAddress Last { get; }

    /// <summary>The family of both.</summary>
    public IpFamily Family => First.Family;

    /// <summary>Whether the address lies in the range.</summary>
    public bool Contains(IpAddress address) => address.Family == Family && address >= First && address <= Last;

    /// <summary>Whether the ranges have an address in common.</summary>
    public bool Overlaps(IpRange other) => other.Family == Family && other.First <= Last && First <= other.Last;

    /// <summary>The prefix length of the largest CIDR block in the range: 0..32 or 0..128.</summary>
    public int ShortestPrefix
    {
        get
        {
            for (var length = 0; ; length++)
            {
                var block = IpPrefix.Containing(First, length);
                if (block.Address != First)
                {
                    // The next block of this length, unless the family ends before it.
                    if (block.Last.Value >= Last.Value)
                        continue;
                    block = IpPrefix.Containing(IpAddress.Of(Family, block.Last.Value + 1), length);
                }

                if (block.Last <= Last)
                    return length;
            }
        }
    }

    /// <summary>
    /// Parses what an IPAddressPool lists: a CIDR block, whose host bits are masked away, or <c>start-end</c> with blanks allowed around the dash.
    /// </summary>
    /// <param name="text">As written.</param>
    /// <param name="range">The addresses.</param>
    /// <returns>Null, or the rule that the text breaks.</returns>
    public static string? Parse(string text, out IpRange range)
    {
        range = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0)
        {
            if (!IpAddress.TryParse(text.AsSpan(0, slash), out var address))
                return "the part before '/' is not an IP address";
            if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > address.Bits)
                return $"the prefix length must be 0..{address.Bits}";
            range = new IpRange(IpPrefix.Containing(address, length));
            return null;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0)
            return IpAddress.TryParse(text.AsSpan().Trim(), out var single)
                ? $"a single address is written {single}/{single.Bits}"
                : "must be a CIDR block or a range start-end";
        if (!IpAddress.TryParse(text.AsSpan(0, dash).Trim(), out var first))
            return "the start of the range is not an IP address";
        if (!IpAddress.TryParse(text.AsSpan(dash + 1).Trim(), out var last))
            return "the end of the range is not an IP address";
        if (first.Family != last.Family)
            return "range starts and ends in different address families";
        if (last < first)
            return "range ends before it starts";
        range = new IpRange(first, last);
        return null;
    }

    /// <summary><c>first-last</c>.</summary>
    public override string ToString() => $"{First}-{Last}";
}
