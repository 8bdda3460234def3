using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>JSON merge patch (RFC 7386).</summary>
internal static class MergePatch
{
    public static JsonObject Apply(JsonObject target, JsonObject patch)
    {
        var result = (JsonObject)target.DeepClone();
        Merge(result, patch);
        return result;
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null) target.Remove(name);
            else if (value is not JsonObject inner) target[name] = value.DeepClone();
            else if (target[name] is JsonObject existing) Merge(existing, inner);
            else
            {
                // Nulls inside a new object mean absence as well.
                var fresh = new JsonObject();
                Merge(fresh, inner);
                target[name] = fresh;
            }
        }
    }
}
