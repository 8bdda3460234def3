namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>
/// A set of field paths as <c>metadata.managedFields[].fieldsV1</c> has it: a tree of path elements in their wire form
/// (<c>f:name</c>, <c>k:{"name":"a"}</c>, <c>v:"a"</c>). Immutable; the empty set is one object.
/// </summary>
internal sealed class FieldSet : IEquatable<FieldSet>
{
    public static readonly FieldSet Empty = new([]);

    private readonly Entry[] _entries;
    private string? _json;

    private FieldSet(Entry[] sorted) => _entries = sorted;

    /// <summary>What lies under one path element.</summary>
    /// <param name="Element">The element in its wire form.</param>
    /// <param name="IsMember">The path that ends here is in the set.</param>
    /// <param name="Below">The paths that go on.</param>
    internal readonly record struct Entry(string Element, bool IsMember, FieldSet Below);

    public bool IsEmpty => _entries.Length == 0;

    public ReadOnlySpan<Entry> Entries => _entries;

    /// <summary>The set in its wire form, made once.</summary>
    public string Json => _json ??= FieldSetText.Write(this);

    /// <param name="entries">Each element once, in any order; entries that hold nothing are left out.</param>
    public static FieldSet Of(List<Entry> entries)
    {
        entries.RemoveAll(e => !e.IsMember && e.Below.IsEmpty);
        if (entries.Count == 0) return Empty;
        entries.Sort(static (a, b) => string.CompareOrdinal(a.Element, b.Element));
        return new([.. entries]);
    }

    /// <summary>The set of one path.</summary>
    public static FieldSet OfPath(params ReadOnlySpan<string> elements)
    {
        var set = Empty;
        for (var i = elements.Length - 1; i >= 0; i--) set = new([new(elements[i], i == elements.Length - 1, set)]);
        return set;
    }

    public FieldSet Union(FieldSet other) => Combine(other, Operation.Union);

    public FieldSet Difference(FieldSet other) => Combine(other, Operation.Difference);

    public FieldSet Intersection(FieldSet other) => Combine(other, Operation.Intersection);

    public Entry? Find(string element)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(_entries[middle].Element, element);
            if (order == 0) return _entries[middle];
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    /// <summary>Every path, an element's own before those below it.</summary>
    public IEnumerable<string[]> Paths()
    {
        foreach (var entry in _entries)
        {
            if (entry.IsMember) yield return [entry.Element];
            foreach (var below in entry.Below.Paths()) yield return [entry.Element, .. below];
        }
    }

    public bool Equals(FieldSet? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || _entries.Length != other._entries.Length) return false;
        for (var i = 0; i < _entries.Length; i++)
            if (_entries[i].IsMember != other._entries[i].IsMember || _entries[i].Element != other._entries[i].Element || !_entries[i].Below.Equals(other._entries[i].Below))
                return false;
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as FieldSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var entry in _entries)
        {
            hash.Add(entry.Element, StringComparer.Ordinal);
            hash.Add(entry.IsMember);
        }

        return hash.ToHashCode();
    }

    public override string ToString() => Json;

    private enum Operation
    {
        Union,
        Difference,
        Intersection,
    }

    private FieldSet Combine(FieldSet other, Operation operation)
    {
        if (ReferenceEquals(this, other)) return operation == Operation.Difference ? Empty : this;
        if (other.IsEmpty) return operation == Operation.Intersection ? Empty : this;
        if (IsEmpty) return operation == Operation.Union ? other : Empty;
        var result = new List<Entry>(_entries.Length);
        int left = 0, right = 0;
        while (left < _entries.Length || right < other._entries.Length)
        {
            var order = left == _entries.Length ? 1 : right == other._entries.Length ? -1 : string.CompareOrdinal(_entries[left].Element, other._entries[right].Element);
            if (order < 0)
            {
                if (operation != Operation.Intersection) result.Add(_entries[left]);
                left++;
            }
            else if (order > 0)
            {
                if (operation == Operation.Union) result.Add(other._entries[right]);
                right++;
            }
            else
            {
                var (a, b) = (_entries[left++], other._entries[right++]);
                var member = operation switch
                {
                    Operation.Union => a.IsMember || b.IsMember,
                    Operation.Difference => a.IsMember && !b.IsMember,
                    _ => a.IsMember && b.IsMember,
                };
                var below = a.Below.Combine(b.Below, operation);
                if (member || !below.IsEmpty) result.Add(new(a.Element, member, below));
            }
        }

        if (result.Count == 0) return Empty;
        return result.Count == _entries.Length && Same(result, _entries) ? this : new([.. result]);
    }

    // Most operations of most writes change nothing: then the set, and its text, stay the very same object.
    private static bool Same(List<Entry> result, Entry[] entries)
    {
        for (var i = 0; i < entries.Length; i++)
            if (result[i].IsMember != entries[i].IsMember || !ReferenceEquals(result[i].Below, entries[i].Below) || !ReferenceEquals(result[i].Element, entries[i].Element))
                return false;
        return true;
    }
}
