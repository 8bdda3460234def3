using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.FieldOwnership;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Keeps <c>metadata.managedFields</c> of what is written.</summary>
internal sealed class FieldTracking(ServerContext server)
{
    public FieldManager Manager(Target target, CancellationToken cancellation) => new(
        target.Kind, target.Resource.Versions, (obj, to) => server.Conversion.ConvertAsync(target.Resource, obj, to, cancellation), JsonText.Time(server.Clock.GetUtcNow()));

    /// <summary>Takes the list out of an object, so that it is compared and merged without.</summary>
    public static JsonNode? Take(JsonObject obj)
    {
        if (obj["metadata"] is not JsonObject metadata || metadata["managedFields"] is not { } list) return null;
        metadata.Remove("managedFields");
        return list;
    }

    public static void Put(JsonObject obj, JsonNode? list)
    {
        if (list is not null) obj.Child("metadata")["managedFields"] = list;
    }

    /// <summary>Who manages a created object's fields: whoever creates it, beside what it says itself.</summary>
    public async ValueTask<ManagedFields> CreatedAsync(Target target, JsonObject obj, JsonNode? given, WriteOptions options, CancellationToken cancellation)
    {
        // A status belongs to who writes it through its subresource.
        var status = target.Kind.HasStatus ? obj["status"] : null;
        if (status is not null) obj.Remove("status");
        var managers = await Manager(target, cancellation).UpdateAsync(null, obj, ManagedFields.Read(given) ?? ManagedFields.None, options.Manager, null);
        if (status is not null) obj["status"] = status;
        return managers;
    }

    /// <param name="given">The list that came with the request: a valid one replaces the kept one, an empty one makes the server forget.</param>
    public async ValueTask<ManagedFields> UpdatedAsync(Target target, JsonObject before, JsonObject after, JsonNode? given, ManagedFields kept, WriteOptions options, CancellationToken cancellation)
    {
        var subresource = options.ManagedAs ?? target.Subresource;
        var managers = subresource is not null ? kept : Asked(given, kept);
        return await Manager(target, cancellation).UpdateAsync(StoredForm.Shown(before, target.Kind), StoredForm.Shown(after, target.Kind), managers, options.Manager, subresource);
    }

    // What cannot have come from a server is ignored: a client that does not know the list must not lose it by accident.
    private static ManagedFields Asked(JsonNode? given, ManagedFields kept)
    {
        if (given is JsonArray { Count: 0 } or JsonArray and [JsonObject { Count: 0 }]) return ManagedFields.None;
        return ManagedFields.Read(given) is { IsEmpty: false } valid ? valid : kept;
    }
}
