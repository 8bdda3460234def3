using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Portolan.Lab.Workloads.Planning;

/// <summary>The <c>pod-template-hash</c>: equal templates, equal hash, whatever the order of their fields.</summary>
internal static class TemplateHash
{
    public const string Label = "pod-template-hash";

    /// <summary>Kubernetes' own alphabet for generated names: no vowels, so no words.</summary>
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    /// <param name="template">The pod template.</param>
    /// <param name="collisions">Counts up when two templates meet in one hash.</param>
    public static string Of(JsonNode? template, long collisions = 0)
    {
        var hash = 2166136261u;     // FNV-1a, 32 bits
        Mix(ref hash, template);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, collisions);
        if (collisions > 0)
            Mix(ref hash, number);
        return string.Concat(hash.ToString(CultureInfo.InvariantCulture).Select(digit => Alphabet[digit % Alphabet.Length]));
    }

    private static void Mix(ref uint hash, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                Mix(ref hash, "{"u8);
                foreach (var (name, value) in fields.OrderBy(f => f.Key, StringComparer.Ordinal))
                {
                    if (value is null)
                        continue;   // a null field and none are the same to the API
                    Mix(ref hash, Encoding.UTF8.GetBytes(name));
                    Mix(ref hash, value);
                }
                Mix(ref hash, "}"u8);
                break;
            case JsonArray items:
                Mix(ref hash, "["u8);
                foreach (var item in items)
                    Mix(ref hash, item);
                Mix(ref hash, "]"u8);
                break;
            default:
                Mix(ref hash, Encoding.UTF8.GetBytes(node?.ToJsonString() ?? "null"));
                break;
        }
    }

    private static void Mix(ref uint hash, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
            hash = unchecked((hash ^ b) * 16777619);
        hash = unchecked((hash ^ 0xff) * 16777619);     // ends the word: "ab","c" is not "a","bc"
    }
}
