using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>Records in <c>metadata.managedFields</c> what a manager last applied (server-side apply).</summary>
internal static class ManagedFields
{
    public static void Record(JsonObject obj, JsonObject applied, string manager, string? subresource, DateTimeOffset now)
    {
        var metadata = obj.Child("metadata");
        var entries = metadata["managedFields"] as JsonArray ?? [];
        if (entries.Parent is null) metadata["managedFields"] = entries;
        var entry = entries.OfType<JsonObject>()
            .FirstOrDefault(e => e.Text("manager") == manager && e.Text("operation") == "Apply" && (e.Text("subresource") ?? "") == (subresource ?? ""));
        var fields = Fields(applied, top: true);
        var apiVersion = obj.Text("apiVersion");
        if (entry is not null && JsonNode.DeepEquals(entry["fieldsV1"], fields) && entry.Text("apiVersion") == apiVersion) return;
        if (entry is null) entries.Add((JsonNode)(entry = []));
        entry["manager"] = manager;
        entry["operation"] = "Apply";
        entry["apiVersion"] = apiVersion;
        entry["time"] = JsonText.Time(now);
        entry["fieldsType"] = "FieldsV1";
        entry["fieldsV1"] = fields;
        if (subresource is not null) entry["subresource"] = subresource;
    }

    private static JsonObject Fields(JsonObject value, bool top = false)
    {
        var fields = new JsonObject();
        foreach (var (name, member) in value)
        {
            if (top && name is "apiVersion" or "kind") continue;
            var inner = member is JsonObject obj ? Fields(obj) : [];
            if (top && name == "metadata")
                foreach (var identity in (ReadOnlySpan<string>)["f:name", "f:namespace", "f:creationTimestamp", "f:managedFields", "f:resourceVersion", "f:uid"])
                    inner.Remove(identity);
            if (top && name == "metadata" && inner.Count == 0) continue;
            fields["f:" + name] = inner;
        }

        return fields;
    }
}
