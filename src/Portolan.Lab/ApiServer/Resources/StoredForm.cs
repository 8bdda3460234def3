using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Between the version an object is stored in and the version a client speaks.</summary>
internal static class StoredForm
{
    private static readonly byte[] KindProperty = "\"kind\":"u8.ToArray();

    public static JsonObject Parse(StoredObject obj) => (JsonObject)JsonNode.Parse(obj.Json)!;

    /// <summary>The stored bytes as the version asked for; nearly always the very same bytes.</summary>
    public static ReadOnlyMemory<byte> ToVersion(StoredObject obj, KindSchema kind, ServedResource resource)
    {
        if (ReferenceEquals(kind, resource.StorageKind) && !kind.IsCustom) return obj.Json;
        if (EventForms.Differs(kind)) return JsonText.ToBytes(EventForms.FromCore(Parse(obj)));
        var head = Encoding.UTF8.GetBytes($"{{\"apiVersion\":\"{kind.ApiVersion}\",");
        if (obj.Json.AsSpan().StartsWith(head)) return obj.Json;
        // Versions of a custom resource without a conversion webhook differ in their apiVersion only.
        var rest = obj.Json.AsMemory(obj.Json.AsSpan().IndexOf(KindProperty));
        var bytes = new byte[head.Length + rest.Length];
        head.CopyTo(bytes, 0);
        rest.CopyTo(bytes.AsMemory(head.Length));
        return bytes;
    }

    /// <summary>The same for an object about to be stored.</summary>
    public static JsonObject ToStorage(JsonObject obj, KindSchema kind, ServedResource resource)
    {
        if (EventForms.Differs(kind)) return EventForms.ToCore(obj);
        if (!ReferenceEquals(kind, resource.StorageKind)) obj["apiVersion"] = resource.StorageKind.ApiVersion;
        return obj;
    }

    public static JsonObject FromStorage(JsonObject obj, KindSchema kind)
    {
        if (EventForms.Differs(kind)) return EventForms.FromCore(obj);
        obj["apiVersion"] = kind.ApiVersion;
        return obj;
    }
}
