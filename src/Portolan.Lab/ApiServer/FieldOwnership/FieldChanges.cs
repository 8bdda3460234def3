using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>What is different between two states of an object.</summary>
/// <param name="Changed">Fields that came or have another value.</param>
/// <param name="Removed">Fields that went.</param>
internal readonly record struct FieldChanges(FieldSet Changed, FieldSet Removed)
{
    private static readonly FieldChanges None = new(FieldSet.Empty, FieldSet.Empty);

    public static FieldChanges Between(JsonObject before, JsonObject after, ValueStructure structure) => Compare(new(true, before), new(true, after), structure).Below;

    /// <summary>A value that may be missing, which is not the same as null.</summary>
    private readonly record struct Value(bool Exists, JsonNode? Node)
    {
        public static readonly Value Missing = new(false, null);

        public static Value Of(JsonObject? parent, string name) => parent is not null && parent.TryGetPropertyValue(name, out var node) ? new(true, node) : Missing;

        public bool IsEmpty => Node is null or JsonObject { Count: 0 } or JsonArray { Count: 0 };
    }

    private enum Difference
    {
        None,
        Changed,
        Removed,
    }

    private static (Difference Self, FieldChanges Below) Compare(Value before, Value after, ValueStructure structure)
    {
        var ends = !before.Exists ? Difference.Changed : !after.Exists ? Difference.Removed : Difference.None;
        var (left, right) = (before.Node, after.Node);
        // Two empty things, or a thing and nothing, are a leaf: so that a field that is there and empty has an owner.
        if ((before.IsEmpty && after.IsEmpty) || (!structure.IsGranular(left) && !structure.IsGranular(right)))
            return (ends != Difference.None ? ends : Same(left, right) ? Difference.None : Difference.Changed, None);
        if (left is JsonObject or null && right is JsonObject or null)
            return (ends, Members(left as JsonObject, right as JsonObject, structure));
        if (left is JsonArray or null && right is JsonArray or null)
            return (ends, Items(left as JsonArray, right as JsonArray, structure));

        // The value is of another shape now: all of the old one is gone.
        var gone = structure.IsGranular(left) ? Compare(before, new Value(true, Nothing(left)), structure).Below.Removed : FieldSet.Empty;
        var came = structure.IsGranular(right) ? ObjectFields.Of(right, structure) : FieldSet.Empty;
        return (Difference.Changed, new(came, gone));
    }

    // Nearly all leaves are strings, flags and whole numbers; a general comparison of nodes made in different ways would write both as JSON.
    private static bool Same(JsonNode? left, JsonNode? right)
    {
        if (left is not JsonValue || right is not JsonValue) return JsonNode.DeepEquals(left, right);
        if (Scalars.AsString(left) is { } text) return text == Scalars.AsString(right);
        if (Scalars.AsBoolean(left) is { } flag) return flag == Scalars.AsBoolean(right);
        if (Scalars.AsInteger(left) is { } whole && Scalars.AsInteger(right) is { } other) return whole == other;
        return JsonNode.DeepEquals(left, right);
    }

    private static FieldChanges Members(JsonObject? before, JsonObject? after, ValueStructure structure)
    {
        var gathered = new Gathered();
        foreach (var (name, value) in (IEnumerable<KeyValuePair<string, JsonNode?>>?)before ?? [])
            Member(name, new(true, value), Value.Of(after, name));
        foreach (var (name, value) in (IEnumerable<KeyValuePair<string, JsonNode?>>?)after ?? [])
            if (before is null || !before.ContainsKey(name))
                Member(name, Value.Missing, new(true, value));
        return gathered.Result;

        void Member(string name, Value left, Value right)
        {
            if (ReferenceEquals(left.Node, right.Node) && left.Exists == right.Exists) return;
            var known = structure.Field(name);
            if (known?.IsAlwaysThere == true)
            {
                if (!left.Exists && before is not null) left = new(true, Nothing(right.Node));
                if (!right.Exists && after is not null) right = new(true, Nothing(left.Node));
            }

            var (self, below) = Compare(left, right, structure.Member(name));
            if (self != Difference.None || !below.IsNone) gathered.Add(PathElement.Field(name), self, below);
        }
    }

    private static JsonNode Nothing(JsonNode? like) => like is JsonArray ? new JsonArray() : new JsonObject();

    private static FieldChanges Items(JsonArray? before, JsonArray? after, ValueStructure structure)
    {
        var gathered = new Gathered();
        var items = structure.Items ?? ValueStructure.Leaf;
        var left = ListItems.Index(before ?? [], structure);
        var right = ListItems.Index(after ?? [], structure);
        foreach (var (element, was) in left)
            Item(element, was, right.GetValueOrDefault(element) ?? []);
        foreach (var (element, isNow) in right)
            if (!left.ContainsKey(element))
                Item(element, [], isNow);
        return gathered.Result;

        void Item(string element, List<JsonNode?> was, List<JsonNode?> isNow)
        {
            // Items that occur twice are one field together: which of them is meant cannot be said.
            var (self, below) = (was.Count, isNow.Count) switch
            {
                (<= 1, <= 1) => Compare(One(was), One(isNow), items),
                ( >= 2, >= 2) => (was.SequenceEqual(isNow, NodeEquality.Instance) ? Difference.None : Difference.Changed, None),
                ( >= 2, _) => (Difference.Removed, isNow.Count == 0 ? None : Compare(Value.Missing, One(isNow), items).Below),
                _ => (Difference.Changed, was.Count == 0 ? None : Compare(One(was), Value.Missing, items).Below),
            };
            if (self != Difference.None || !below.IsNone) gathered.Add(element, self, below);
        }

        static Value One(List<JsonNode?> nodes) => nodes.Count == 0 ? Value.Missing : new(true, nodes[0]);
    }

    private bool IsNone => Changed.IsEmpty && Removed.IsEmpty;

    /// <summary>Differences of one level; nothing is allocated where nothing is different.</summary>
    private struct Gathered
    {
        private List<FieldSet.Entry>? _changed;
        private List<FieldSet.Entry>? _removed;

        public void Add(string element, Difference self, FieldChanges below)
        {
            if (self == Difference.Changed || !below.Changed.IsEmpty) (_changed ??= []).Add(new(element, self == Difference.Changed, below.Changed));
            if (self == Difference.Removed || !below.Removed.IsEmpty) (_removed ??= []).Add(new(element, self == Difference.Removed, below.Removed));
        }

        public readonly FieldChanges Result => new(_changed is null ? FieldSet.Empty : FieldSet.Of(_changed), _removed is null ? FieldSet.Empty : FieldSet.Of(_removed));
    }

    private sealed class NodeEquality : IEqualityComparer<JsonNode?>
    {
        public static readonly NodeEquality Instance = new();

        public bool Equals(JsonNode? x, JsonNode? y) => JsonNode.DeepEquals(x, y);

        public int GetHashCode(JsonNode? obj) => 0;
    }
}
