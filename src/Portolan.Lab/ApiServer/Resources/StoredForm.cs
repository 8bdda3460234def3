using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Between the version an object is stored in and the version a client speaks.</summary>
internal static class StoredForm
{
    private static readonly byte[] KindProperty = "\"kind\":"u8.ToArray();

    public static JsonObject Parse(StoredObject obj) => (JsonObject)StoredJson.Parse(obj.Json)!;

    /// <summary>The stored bytes as the version asked for; nearly always the very same bytes.</summary>
    public static ReadOnlyMemory<byte> ToVersion(StoredObject obj, KindSchema kind, ServedResource resource)
    {
        if (ReferenceEquals(kind, resource.StorageKind) && !kind.IsCustom) return obj.Json;
        if (EventForms.Differs(kind)) return JsonText.ToBytes(EventForms.FromCore(Parse(obj)));
        var head = Head(kind);
        if (obj.Json.AsSpan().StartsWith(head)) return obj.Json;
        // Versions of a custom resource without a conversion webhook differ in their apiVersion only; with one, what comes here was converted before.
        var rest = obj.Json.AsMemory(obj.Json.AsSpan().IndexOf(KindProperty));
        var bytes = new byte[head.Length + rest.Length];
        head.CopyTo(bytes, 0);
        rest.CopyTo(bytes.AsMemory(head.Length));
        return bytes;
    }

    /// <summary>Whether an object is stored in this version.</summary>
    public static bool IsIn(StoredObject obj, KindSchema kind) => obj.Json.AsSpan().StartsWith(Head(kind));

    /// <summary>A client's object in the form the server works on: the stored one, but for custom kinds, which have as many schemas as versions.</summary>
    public static JsonObject Worked(JsonObject obj, KindSchema kind) => EventForms.Differs(kind) ? EventForms.ToCore(obj) : obj;

    /// <summary>An object as the server works on it in the form of the version a client speaks.</summary>
    public static JsonObject Shown(JsonObject obj, KindSchema kind) => EventForms.Differs(kind) ? EventForms.FromCore(obj) : obj;

    private static byte[] Head(KindSchema kind) => Encoding.UTF8.GetBytes($"{{\"apiVersion\":\"{kind.ApiVersion}\",");
}
