using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>A JSON patch does not fit: it is malformed, or a path or a test fails.</summary>
internal sealed class JsonPatchException(string message) : Exception(message);

/// <summary>JSON patch (RFC 6902) with JSON pointers (RFC 6901).</summary>
internal static class JsonPatch
{
    private const int MaxOperations = 10000;

    /// <exception cref="JsonPatchException">Any operation fails; nothing is applied then.</exception>
    public static JsonObject Apply(JsonObject target, JsonArray patch)
    {
        if (patch.Count > MaxOperations)
            throw new JsonPatchException($"The allowed maximum operations in a JSON patch is {MaxOperations}, got {patch.Count}");
        JsonNode? root = target.DeepClone();
        foreach (var item in patch)
        {
            if (item is not JsonObject operation) throw new JsonPatchException("an operation is not an object");
            root = Apply(root, operation);
        }

        return root as JsonObject ?? throw new JsonPatchException("the result is not an object");
    }

    private static JsonNode? Apply(JsonNode? root, JsonObject operation)
    {
        var op = Text(operation, "op");
        var path = Pointer(Text(operation, "path"));
        switch (op)
        {
            case "add":
                return Add(root, path, Value(operation));
            case "replace":
                Find(root, path);
                if (path.Length == 0) return Value(operation);
                return Add(Remove(root, path), path, Value(operation));
            case "remove":
                Find(root, path);
                return Remove(root, path);
            case "test":
                if (!JsonNode.DeepEquals(Find(root, path), Value(operation))) throw new JsonPatchException($"testing value {Text(operation, "path")} failed");
                return root;
            case "copy":
                return Add(root, path, Find(root, Pointer(Text(operation, "from")))?.DeepClone());
            case "move":
                var from = Pointer(Text(operation, "from"));
                var moved = Find(root, from)?.DeepClone();
                return Add(Remove(root, from), path, moved);
            default:
                throw new JsonPatchException($"Unexpected kind: {op}");
        }
    }

    private static JsonNode? Value(JsonObject operation) =>
        operation.TryGetPropertyValue("value", out var value) ? value?.DeepClone() : throw new JsonPatchException("an operation has no value");

    private static string Text(JsonObject operation, string name) =>
        operation[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw new JsonPatchException($"an operation has no {name}");

    private static string[] Pointer(string text)
    {
        if (text.Length == 0) return [];
        if (text[0] != '/') throw new JsonPatchException($"the pointer {text} does not begin with /");
        return [.. text[1..].Split('/').Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static JsonNode? Find(JsonNode? root, ReadOnlySpan<string> path)
    {
        var node = root;
        foreach (var step in path)
        {
            node = node switch
            {
                JsonObject obj when obj.TryGetPropertyValue(step, out var member) => member,
                JsonArray array when Index(step, array.Count - 1) is { } index => array[index],
                _ => throw new JsonPatchException($"doc is missing path: \"{string.Join("/", path.ToArray())}\": missing value"),
            };
        }

        return node;
    }

    private static JsonNode? Add(JsonNode? root, string[] path, JsonNode? value)
    {
        if (path.Length == 0) return value;
        switch (Find(root, path.AsSpan(..^1)))
        {
            case JsonObject obj:
                obj[path[^1]] = value;
                break;
            case JsonArray array:
                var index = path[^1] == "-" ? array.Count : Index(path[^1], array.Count) ?? throw new JsonPatchException($"Unable to access invalid index: {path[^1]}");
                array.Insert(index, value);
                break;
            default:
                throw new JsonPatchException($"add operation does not apply: doc is missing path: \"/{string.Join("/", path)}\"");
        }

        return root;
    }

    private static JsonNode? Remove(JsonNode? root, string[] path)
    {
        if (path.Length == 0) return null;
        switch (Find(root, path.AsSpan(..^1)))
        {
            case JsonObject obj when obj.Remove(path[^1]):
                return root;
            case JsonArray array when Index(path[^1], array.Count - 1) is { } index:
                array.RemoveAt(index);
                return root;
            default:
                throw new JsonPatchException($"remove operation does not apply: doc is missing path: \"/{string.Join("/", path)}\"");
        }
    }

    private static int? Index(string step, int max) =>
        int.TryParse(step, System.Globalization.NumberStyles.None, null, out var index) && index <= max && (step.Length == 1 || step[0] != '0') ? index : null;
}
