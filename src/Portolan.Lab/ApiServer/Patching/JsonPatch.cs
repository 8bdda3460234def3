using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>A JSON patch does not fit: it is malformed, or a path or a test fails.</summary>
internal sealed class JsonPatchException(string message) : Exception(message);

/// <summary>JSON patch (RFC 6902) with JSON pointers (RFC 6901). A patch is applied whole or not at all.</summary>
internal sealed class JsonPatch
{
    public const int MaxOperations = 10000;

    /// <summary>How much all copies of a patch may add, in characters of JSON.</summary>
    public const int MaxCopied = 3 * 1024 * 1024;

    /// <summary>How deep the result may be, as deep as a body may be.</summary>
    public const int MaxDepth = 256;

    // Values moved and copied are looked through for their depth; no patch may ask for more of that than a few bodies' worth.
    private const int MaxMeasured = 4_000_000;

    private JsonNode? _root;
    private int _copied;
    private int _measured;

    private JsonPatch(JsonNode? root) => _root = root;

    /// <returns>A new object; the target is not changed.</returns>
    /// <exception cref="JsonPatchException">Any operation fails.</exception>
    public static JsonObject Apply(JsonObject target, JsonArray operations)
    {
        if (operations.Count > MaxOperations)
            throw new JsonPatchException($"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        var patch = new JsonPatch(target.DeepClone());
        foreach (var item in operations) patch.Apply(item as JsonObject ?? throw new JsonPatchException("an operation is not an object"));
        return patch._root as JsonObject ?? throw new JsonPatchException("the result is not an object");
    }

    private void Apply(JsonObject operation)
    {
        var op = Text(operation, "op");
        var path = JsonPointer.Parse(Text(operation, "path"));
        switch (op)
        {
            case "add":
                Add(path, Value(operation));
                break;
            case "replace":
                Replace(path, Value(operation));
                break;
            case "remove":
                Remove(path);
                break;
            case "test":
                if (!JsonNode.DeepEquals(Find(path), Value(operation))) throw new JsonPatchException($"testing value {path} failed: test failed");
                break;
            case "copy":
                var copied = Find(JsonPointer.Parse(Text(operation, "from")));
                CheckDepth(copied, path);
                if ((_copied += copied?.ToJsonString().Length ?? 4) > MaxCopied)
                    throw new JsonPatchException($"Unable to complete the copy, the accumulated size increase of copy is {_copied}, exceeding the limit {MaxCopied}");
                Add(path, copied?.DeepClone());
                break;
            case "move":
                var from = JsonPointer.Parse(Text(operation, "from"));
                if (from.IsPrefixOf(path)) throw new JsonPatchException($"{from} cannot be moved into itself, to {path}");
                if (from.Equals(path))
                {
                    Find(from);
                    break;
                }

                Add(path, Remove(from));
                break;
            default:
                throw new JsonPatchException($"Unexpected kind: {op}");
        }
    }

    private static JsonNode? Value(JsonObject operation) =>
        operation.TryGetPropertyValue("value", out var value) ? value?.DeepClone() : throw new JsonPatchException("an operation has no value");

    private static string Text(JsonObject operation, string name) =>
        operation[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw new JsonPatchException($"an operation has no {name}");

    private JsonNode? Find(JsonPointer path) => path.TryFind(_root, out var value) ? value : throw Missing(path);

    private void Add(JsonPointer path, JsonNode? value)
    {
        CheckDepth(value, path);
        if (path.IsRoot)
        {
            _root = value;
            return;
        }

        if (!path.Parent.TryFind(_root, out var parent)) throw new JsonPatchException($"add operation does not apply: doc is missing path: \"{path}\": missing value");
        switch (parent)
        {
            case JsonObject obj:
                obj[path.Last] = value;
                break;
            case JsonArray array when (path.Last == "-" ? array.Count : JsonPointer.Index(path.Last, array.Count)) is { } index:
                array.Insert(index, value);
                break;
            case JsonArray:
                throw new JsonPatchException($"add operation does not apply: doc is missing path: \"{path}\": Unable to access invalid index: {path.Last}");
            default:
                throw new JsonPatchException($"add operation does not apply: doc is missing path: \"{path}\": missing value");
        }
    }

    private void Replace(JsonPointer path, JsonNode? value)
    {
        Find(path);
        CheckDepth(value, path);
        if (path.IsRoot) _root = value;
        else if (path.Parent.TryFind(_root, out var parent) && parent is JsonArray array) array[JsonPointer.Index(path.Last, array.Count - 1)!.Value] = value;
        else ((JsonObject)parent!)[path.Last] = value;
    }

    /// <returns>What was there, no longer part of anything.</returns>
    private JsonNode? Remove(JsonPointer path)
    {
        if (path.IsRoot)
        {
            var all = _root;
            _root = null;
            return all;
        }

        if (!path.TryFind(_root, out var value) || !path.Parent.TryFind(_root, out var parent)) throw Missing(path);
        if (parent is JsonArray array) array.RemoveAt(JsonPointer.Index(path.Last, array.Count - 1)!.Value);
        else ((JsonObject)parent!).Remove(path.Last);
        return value;
    }

    private static JsonPatchException Missing(JsonPointer path) => new($"operation does not apply: doc is missing path: \"{path}\": missing value");

    private void CheckDepth(JsonNode? value, JsonPointer at)
    {
        if (!Fits(value, MaxDepth - at.Length)) throw new JsonPatchException($"the result is nested deeper than {MaxDepth}");
    }

    private bool Fits(JsonNode? value, int depth)
    {
        if (++_measured > MaxMeasured) throw new JsonPatchException("the patch moves and copies too much");
        if (depth < 0) return false;
        switch (value)
        {
            case JsonObject obj:
                foreach (var (_, member) in obj)
                    if (!Fits(member, depth - 1))
                        return false;
                return true;
            case JsonArray array:
                foreach (var item in array)
                    if (!Fits(item, depth - 1))
                        return false;
                return true;
            default:
                return true;
        }
    }
}
