using System.Globalization;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Reading decoded objects by field name; an absent field, an empty text and a null are all "not set".</summary>
internal static class ObjectReading
{
    public static JsonObject? Obj(this JsonObject? from, string name) => from?[name] as JsonObject;

    public static JsonArray? List(this JsonObject? from, string name) => from?[name] as JsonArray;

    public static string Str(this JsonObject? from, string name) => Scalars.AsString(from?[name]) ?? "";

    public static long? Int(this JsonObject? from, string name) => Scalars.AsInteger(from?[name]);

    public static bool? Flag(this JsonObject? from, string name) => Scalars.AsBoolean(from?[name]);

    /// <summary>The objects of a list with the path of each: <c>spec.ports[0]</c>.</summary>
    public static IEnumerable<(JsonObject Item, string Path)> Items(this JsonObject? from, string name, string path)
    {
        if (from.List(name) is not { } list)
            yield break;
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is JsonObject item)
                yield return (item, string.Create(CultureInfo.InvariantCulture, $"{path}.{name}[{i}]"));
        }
    }

    public static IEnumerable<(string Item, string Path)> Strings(this JsonObject? from, string name, string path)
    {
        if (from.List(name) is not { } list)
            yield break;
        for (var i = 0; i < list.Count; i++)
            yield return (Scalars.AsString(list[i]) ?? "", string.Create(CultureInfo.InvariantCulture, $"{path}.{name}[{i}]"));
    }

    /// <summary>The child object, made when it is not there.</summary>
    public static JsonObject Ensure(this JsonObject from, string name)
    {
        if (from[name] is JsonObject there)
            return there;
        var made = new JsonObject();
        from[name] = made;
        return made;
    }

    public static void SetDefault(this JsonObject to, string name, string value)
    {
        if (to.Str(name).Length == 0)
            to[name] = value;
    }

    public static void SetDefault(this JsonObject to, string name, long value)
    {
        if (to[name] is null)
            to[name] = value;
    }

    public static void SetDefault(this JsonObject to, string name, bool value)
    {
        if (to[name] is null)
            to[name] = value;
    }

    /// <summary>Whether two values are the same JSON; an absent one equals an empty object, list or text, as in a Go struct.</summary>
    public static bool Same(JsonNode? a, JsonNode? b) => IsEmpty(a) ? IsEmpty(b) : JsonNode.DeepEquals(a, b);

    private static bool IsEmpty(JsonNode? node) => node switch
    {
        null => true,
        JsonObject { Count: 0 } => true,
        JsonArray { Count: 0 } => true,
        JsonValue value => value.TryGetValue<string>(out var text) && text.Length == 0,
        _ => false,
    };
}
