using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary><c>metadata.managedFields</c>: who manages which fields of an object. Immutable.</summary>
internal sealed class ManagedFields
{
    public static readonly ManagedFields None = new([]);

    /// <summary>Update entries beyond this many are gathered, the oldest first, under <see cref="AncientManager"/>.</summary>
    public const int MaxUpdaters = 10;

    public const string AncientManager = "ancient-changes";

    private ManagedFields(List<ManagerEntry> entries) => Entries = entries;

    public IReadOnlyList<ManagerEntry> Entries { get; }

    public bool IsEmpty => Entries.Count == 0;

    public ManagerEntry? Find(ManagerIdentity who) => Entries.FirstOrDefault(e => e.Who == who);

    /// <summary>In the order in which servers list them: appliers first, then by time and name. Entries without fields are left out.</summary>
    public static ManagedFields Of(IEnumerable<ManagerEntry> entries)
    {
        var kept = entries.Where(e => !e.Fields.IsEmpty).ToList();
        if (kept.Count == 0) return None;
        kept.Sort(static (a, b) =>
        {
            if (a.Who.Applies != b.Who.Applies) return a.Who.Applies ? -1 : 1;
            var order = string.CompareOrdinal(a.Time ?? "", b.Time ?? "");
            if (order == 0) order = string.CompareOrdinal(a.Who.Manager, b.Who.Manager);
            if (order == 0) order = string.CompareOrdinal(a.ApiVersion, b.ApiVersion);
            return order != 0 ? order : string.CompareOrdinal(a.Who.Subresource, b.Who.Subresource);
        });
        return new(kept);
    }

    /// <returns>Null when the list is not one that a server could have written: then it is as if it had not been sent.</returns>
    public static ManagedFields? Read(JsonNode? list)
    {
        if (list is not JsonArray array) return list is null ? None : null;
        var entries = new Dictionary<ManagerIdentity, ManagerEntry>(array.Count);
        foreach (var item in array)
        {
            if (item is not JsonObject entry || Read(entry) is not { } read) return null;
            entries[read.Who] = read;
        }

        return Of(entries.Values);
    }

    private static ManagerEntry? Read(JsonObject entry)
    {
        var applies = entry.Text("operation") switch
        {
            "Apply" => true,
            "Update" => false,
            _ => (bool?)null,
        };
        if (applies is not { } applier || entry.Text("apiVersion") is not { Length: > 0 } version || entry.Text("fieldsType") != "FieldsV1") return null;
        if (entry["fieldsV1"] is not (null or JsonObject)) return null;
        try
        {
            var fields = entry["fieldsV1"] is JsonObject tree ? FieldSetText.Read(tree.ToJsonString()) : FieldSet.Empty;
            var who = new ManagerIdentity(entry.Text("manager") ?? "", applier, applier ? "" : version, entry.Text("subresource") ?? "");
            return new(who, version, entry.Text("time"), fields);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The list as JSON, null when it is empty.</summary>
    public JsonArray? Write()
    {
        if (IsEmpty) return null;
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, ObjectWriter.Options))
        {
            writer.WriteStartArray();
            foreach (var entry in Entries)
            {
                writer.WriteStartObject();
                writer.WriteString("manager"u8, entry.Who.Manager);
                writer.WriteString("operation"u8, entry.Who.Applies ? "Apply"u8 : "Update"u8);
                writer.WriteString("apiVersion"u8, entry.ApiVersion);
                if (entry.Time is { } time) writer.WriteString("time"u8, time);
                writer.WriteString("fieldsType"u8, "FieldsV1"u8);
                writer.WritePropertyName("fieldsV1"u8);
                writer.WriteRawValue(entry.Fields.Json, skipInputValidation: true);
                if (entry.Who.Subresource.Length > 0) writer.WriteString("subresource"u8, entry.Who.Subresource);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return (JsonArray)StoredJson.Parse(buffer.WrittenSpan)!;
    }

    /// <summary>Whether the two say the same but for times: a write that changes nothing else is none.</summary>
    public bool SameButTimes(ManagedFields other) =>
        Entries.Count == other.Entries.Count && Entries.All(e => other.Find(e.Who) is { } there && there.ApiVersion == e.ApiVersion && there.Fields.Equals(e.Fields));

    /// <summary>With the oldest updaters of a version gathered in one entry while there are more than <see cref="MaxUpdaters"/>.</summary>
    public ManagedFields Capped()
    {
        var updaters = Entries.Where(e => !e.Who.Applies).ToList();
        if (updaters.Count <= MaxUpdaters) return this;
        var entries = Entries.ToDictionary(e => e.Who);
        var firstOfVersion = new Dictionary<string, ManagerEntry>(StringComparer.Ordinal);
        var count = updaters.Count;
        foreach (var entry in updaters)
        {
            if (count <= MaxUpdaters) break;
            var bucket = ManagerIdentity.Updater(AncientManager, entry.ApiVersion, null);
            if (firstOfVersion.TryAdd(entry.ApiVersion, entry)) continue;
            if (!entries.TryGetValue(bucket, out var gathered))
            {
                gathered = firstOfVersion[entry.ApiVersion];
                entries.Remove(gathered.Who);
            }

            entries[bucket] = gathered with { Who = bucket, Fields = gathered.Fields.Union(entry.Fields), Time = entry.Time };
            if (entry.Who != bucket) entries.Remove(entry.Who);
            count--;
        }

        return Of(entries.Values);
    }
}
