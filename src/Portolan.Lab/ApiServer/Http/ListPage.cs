using System.Text.Json;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>A page of a list.</summary>
/// <param name="Objects">Read once, while the reply is written.</param>
/// <param name="Revision">The moment it shows.</param>
/// <param name="Continue">With which the next page is asked for, null on the last.</param>
/// <param name="Remaining">How many objects are left, where that is known.</param>
internal readonly record struct ListPage(IEnumerable<StoredObject> Objects, long Revision, string? Continue, long? Remaining)
{
    public static ListPage Of(StoredObject obj) => new([obj], obj.Revision, null, null);

    /// <summary>As a <c>ListMeta</c>.</summary>
    public void WriteMetadata(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("resourceVersion"u8, Revision.ToString());
        if (Continue is { } token) writer.WriteString("continue"u8, token);
        if (Remaining is { } remaining) writer.WriteNumber("remainingItemCount"u8, remaining);
        writer.WriteEndObject();
    }
}
