using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Fuzz;

/// <summary>Changes to a JSON text that leave it one: wrong types, missing and foreign members, extremes of size and depth.</summary>
internal static class JsonMutation
{
    // A little more than the server takes.
    private const int Largest = 4 * 1024 * 1024;

    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1", "1.5", "1e99", "-2147483649", "2147483648", "9223372036854775807", "9223372036854775808", "\"\"", "\"x\"", "\"a/b\"", "\"-\"", "\"\\u0000\"", "\"0\"", "\"1Mi\"", "\"10.0.0.1\"", "\"::1\"", "\"*\"", "\"All\"",
        "\"2026-13-01T00:00:00Z\"", "\"2026-01-01T00:00:00Z\"", "[]", "{}", "[null]", "[1]", "[\"a\",\"a\"]", "[[]]", "[{}]", "{\"a\":1}", "{\"a\":null}", "[{\"name\":\"x\"},{\"name\":\"x\"}]", "{\"\":\"\"}", "\"eA==\"", "\"Orphan\"", "\"ud\\u00e9\"",
    ];

    private static readonly string[] Names =
    [
        "metadata", "name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "managedFields", "resourceVersion", "uid", "deletionTimestamp", "generation", "spec", "status", "kind", "apiVersion", "items", "data",
        "ports", "port", "selector", "type", "containers", "properties", "x-kubernetes-validations", "default", "$patch", "$retainKeys", "$setElementOrder/ports", "op", "path", "value", "from", "", "dryRun", "preconditions", "conversion", "webhooks",
    ];

    public static bool TryMutate(byte[] input, Random random, out byte[] mutated)
    {
        mutated = [];
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(input);
            for (var times = 1 + random.Next(3); times > 0 && root is not null; times--) root = Once(root, random);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return false;
        }

        mutated = Encoding.UTF8.GetBytes(root?.ToJsonString() ?? "null");
        return mutated.Length <= Largest;
    }

    private static JsonNode? Once(JsonNode root, Random random)
    {
        var nodes = new List<JsonNode> { root };
        for (var i = 0; i < nodes.Count; i++)
            nodes.AddRange(nodes[i] switch
            {
                JsonObject obj => obj.Select(p => p.Value).OfType<JsonNode>(),
                JsonArray array => array.OfType<JsonNode>(),
                _ => [],
            });
        var node = nodes[random.Next(nodes.Count)];
        switch (random.Next(8))
        {
            case 0 when node.Parent is JsonObject parent:
                parent.Remove(node.GetPropertyName());
                return root;
            case 1 when node is JsonObject obj:
                obj[Names[random.Next(Names.Length)]] = Value(random);
                return root;
            case 2 when node.Parent is JsonObject parent:
                var name = node.GetPropertyName();
                parent.Remove(name);
                parent[Names[random.Next(Names.Length)]] = node;
                return root;
            case 3 when node is JsonArray { Count: > 0 } array:
                for (var times = 1 + random.Next(40); times > 0; times--) array.Add(array[random.Next(array.Count)]?.DeepClone());
                return root;
            case 4:
                return Replace(root, node, nodes[random.Next(nodes.Count)].DeepClone());
            case 5 when random.Next(8) == 0:
                return Replace(root, node, Deep(random.Next(300), random));
            case 6 when random.Next(4) == 0:
                return Replace(root, node, new string("a-.0\"é\0"[random.Next(7)], random.Next(3) == 0 ? 70_000 : random.Next(300)));
            default:
                return Replace(root, node, Value(random));
        }
    }

    private static JsonNode? Value(Random random) => JsonNode.Parse(Values[random.Next(Values.Length)]);

    private static JsonNode? Replace(JsonNode root, JsonNode node, JsonNode? by)
    {
        if (node.Parent is null) return by;
        if (node.Parent is JsonObject parent) parent[node.GetPropertyName()] = by;
        else ((JsonArray)node.Parent)[node.GetElementIndex()] = by;
        return root;
    }

    private static JsonNode Deep(int depth, Random random)
    {
        JsonNode node = new JsonObject();
        for (; depth > 0; depth--) node = random.Next(2) == 0 ? new JsonArray(node) : new JsonObject { ["a"] = node };
        return node;
    }
}
