using System.Diagnostics.CodeAnalysis;

namespace Portolan.Lab.ApiServer.Cel.Values;

// A value is an object: bool, long, ulong, double, string, the types below, a CelType, or one of a library's (a quantity, an address).

/// <summary>The null of the language.</summary>
internal sealed class CelNull
{
    private CelNull()
    {
    }

    public static CelNull Value { get; } = new();
}

/// <summary>What an evaluation comes to when it fails. Operators hand it on; <c>&amp;&amp;</c>, <c>||</c> and <c>?:</c> may absorb it.</summary>
internal sealed class CelError(string message)
{
    public string Message => message;

    public static CelError NoSuchOverload { get; } = new("no such overload");

    public static CelError NoSuchKey(object key) => new($"no such key: {TextOf.Value(key)}");
}

/// <summary>Bytes, compared by content.</summary>
internal sealed class CelBytes(byte[] bytes) : IEquatable<CelBytes>
{
    public ReadOnlySpan<byte> Span => bytes;
    public int Count => bytes.Length;

    public bool Equals(CelBytes? other) => other is not null && Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => Equals(obj as CelBytes);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }
}

/// <summary>A value that may not be there.</summary>
internal sealed class CelOptional(object? value)
{
    public static CelOptional None { get; } = new(null);

    [MemberNotNullWhen(true, nameof(Value))]
    public bool HasValue => Value is not null;

    public object? Value { get; } = value;
}

/// <summary>A list. Items may be errors; who reads one hands it on.</summary>
internal abstract class CelList
{
    public abstract int Count { get; }

    public abstract object this[int index] { get; }

    /// <summary>Lists are equal when their items are, in order, unless they are declared to be sets or maps.</summary>
    public virtual bool SameAs(CelList other)
    {
        if (Count != other.Count)
            return false;
        for (var i = 0; i < Count; i++)
        {
            if (!Equality.Same(this[i], other[i]))
                return false;
        }

        return true;
    }

    /// <summary>This list and then the other.</summary>
    public virtual CelList Concat(CelList other) => new ConcatList(this, other);

    private sealed class ConcatList(CelList first, CelList second) : CelList
    {
        private readonly int _depth = 1 + Math.Max((first as ConcatList)?._depth ?? 0, (second as ConcatList)?._depth ?? 0);

        public override int Count { get; } = checked(first.Count + second.Count);

        public override object this[int index] => index < first.Count ? first[index] : second[index - first.Count];

        // A chain of many sums is laid flat before looking things up in it costs stack.
        public override CelList Concat(CelList other) => _depth < 64 ? base.Concat(other) : new ArrayList([.. Items(this), .. Items(other)]);
    }

    public static IEnumerable<object> Items(CelList list)
    {
        for (var i = 0; i < list.Count; i++)
            yield return list[i];
    }
}

/// <summary>A list in memory; loops append to the one they build.</summary>
internal sealed class ArrayList(List<object> items) : CelList
{
    public ArrayList(IEnumerable<object> items)
        : this([.. items])
    {
    }

    public override int Count => items.Count;

    public override object this[int index] => items[index];

    public void Append(object item) => items.Add(item);
}

/// <summary>A map, or an object with fields.</summary>
internal abstract class CelMap
{
    public abstract int Count { get; }

    public abstract IEnumerable<object> Keys { get; }

    /// <returns>Null when there is no such key; perhaps an error, when what is there cannot be read.</returns>
    public abstract object? Find(object key);
}

/// <summary>A map in memory; keys are compared as the language does, where 1, 1u and 1.0 are one key.</summary>
internal sealed class HashMap : CelMap
{
    private readonly Dictionary<object, (object Key, object Value)> _entries = [];

    public override int Count => _entries.Count;

    public override IEnumerable<object> Keys => _entries.Values.Select(entry => entry.Key);

    public override object? Find(object key) => Equality.MapKey(key) is { } at && _entries.TryGetValue(at, out var entry) ? entry.Value : null;

    /// <returns>False when the key is there already, or is of a type that cannot be a key.</returns>
    public bool TryAdd(object key, object value) => Equality.MapKey(key) is { } at && _entries.TryAdd(at, (key, value));
}
