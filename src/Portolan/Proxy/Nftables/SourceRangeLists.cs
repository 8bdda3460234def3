using Portolan.Core.Addresses;

namespace Portolan.Proxy.Nftables;

/// <summary>Numbers the lists of source ranges. Equal lists, of however many Services, are one list in the kernel.</summary>
internal sealed class SourceRangeLists
{
    private readonly Dictionary<Ranges, Entry> _lists = [];
    private readonly NumberPool _numbers = new(1);

    /// <summary>Forgets everything, but remembers the numbers under which the kernel has lists already.</summary>
    internal void Restart(IEnumerable<NumberedRange> found)
    {
        _lists.Clear();
        foreach (var list in found.GroupBy(range => range.List))
            _lists.TryAdd(new Ranges([.. list.Select(range => range.Range).OrderBy(range => range.First)]), new Entry { Number = list.Key });
        _numbers.Restart(_lists.Values.Select(list => list.Number));
    }

    /// <summary>Somebody wants a list.</summary>
    /// <returns>Its number; 0 for null, which admits everyone.</returns>
    internal uint Add(IReadOnlyList<IpPrefix>? prefixes, ICollection<NumberedRange> after)
    {
        if (prefixes is null)
            return 0;
        var ranges = new Ranges(AddressRange.Of(prefixes));
        if (!_lists.TryGetValue(ranges, out var list))
            _lists[ranges] = list = new Entry { Number = _numbers.Take() };
        if (list.Users++ == 0)
            ranges.AddTo(after, list.Number);
        return list.Number;
    }

    /// <summary>Somebody does not want it any more.</summary>
    internal void Remove(IReadOnlyList<IpPrefix>? prefixes, ICollection<NumberedRange> before)
    {
        if (prefixes is null)
            return;
        var ranges = new Ranges(AddressRange.Of(prefixes));
        var list = _lists[ranges];
        if (--list.Users > 0)
            return;
        ranges.AddTo(before, list.Number);
        _lists.Remove(ranges);
        _numbers.Free(list.Number);
    }

    /// <summary>Forgets the lists that the kernel had and nobody wanted.</summary>
    internal void DropUnused()
    {
        foreach (var (ranges, list) in _lists.Where(list => list.Value.Users == 0).ToList())
        {
            _lists.Remove(ranges);
            _numbers.Free(list.Number);
        }
    }

    private sealed class Entry
    {
        internal required uint Number { get; init; }

        internal int Users { get; set; }
    }

    private readonly record struct Ranges(List<AddressRange> List)
    {
        internal void AddTo(ICollection<NumberedRange> contents, uint number)
        {
            foreach (var range in List)
                contents.Add(new NumberedRange(number, range));
        }

        public bool Equals(Ranges other) => List.SequenceEqual(other.List);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var range in List)
                hash.Add(range);
            return hash.ToHashCode();
        }
    }
}

/// <summary>A range of a list.</summary>
internal readonly record struct NumberedRange(uint List, AddressRange Range);
