using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>
/// From client-side to server-side apply with kubectl: what it applied before, and is still so, it may change without force; and the annotation in which
/// it keeps that is kept up to date while it is there.
/// </summary>
internal static class ClientSideApply
{
    /// <summary>The manager this is for. Who does not want it gives kubectl another name.</summary>
    public const string Manager = "kubectl";

    private const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";

    /// <exception cref="ApplyConflictException">With the conflicts that are not over what kubectl itself had applied.</exception>
    public static async ValueTask<AppliedObject> WithoutItsConflictsAsync(
        FieldManager fields, KindSchema kind, JsonObject live, JsonObject applied, ManagedFields managers, string manager, string? subresource, bool force)
    {
        try
        {
            return await fields.ApplyAsync(live, applied, managers, manager, subresource, force);
        }
        catch (ApplyConflictException e) when (manager == Manager && LastApplied(live, kind) is { } allowed)
        {
            var others = e.Conflicts.Where(c => FieldSet.OfPath(c.Path).Difference(allowed) is { IsEmpty: false }).ToList();
            if (others.Count > 0) throw new ApplyConflictException(others);
            return await fields.ApplyAsync(live, applied, managers, manager, subresource, force: true);
        }
    }

    /// <summary>Writes the annotation anew, if the object has it.</summary>
    public static void Refresh(JsonObject obj, JsonObject applied)
    {
        if (obj["metadata"]?["annotations"] is not JsonObject annotations || annotations.Text(Annotation) is not { Length: > 0 }) return;
        var copy = (JsonObject)applied.DeepClone();
        if (copy["metadata"]?["annotations"] is JsonObject own) own.Remove(Annotation);
        annotations[Annotation] = System.Text.Encoding.UTF8.GetString(JsonText.ToBytes(copy)) + "\n";
    }

    /// <returns>The fields that kubectl applied and that are still so; null when it never did.</returns>
    private static FieldSet? LastApplied(JsonObject live, KindSchema kind)
    {
        if ((live["metadata"]?["annotations"] as JsonObject).Text(Annotation) is not { Length: > 0 } text) return null;
        try
        {
            if (JsonNode.Parse(text, documentOptions: StoredJson.Document) is not JsonObject last || last.Text("apiVersion") != kind.ApiVersion) return null;
            var (changed, removed) = FieldChanges.Between(last, live, kind.Structure);
            return ObjectFields.Of(last, kind.Structure).Difference(changed).Difference(removed);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // A user's annotation is what the user makes of it.
            return null;
        }
    }
}
