using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Tables;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>Makes the kinds of a CustomResourceDefinition, one for each version; the one objects are stored in need not be served.</summary>
internal static class DefinitionCompiler
{
    /// <returns>Empty when the definition lacks what a kind needs.</returns>
    public static IReadOnlyList<KindSchema> Compile(JsonObject definition)
    {
        var spec = definition.Obj("spec");
        var names = spec.Obj("names");
        var kind = names.Str("kind");
        if (spec.Str("group").Length == 0 || kind.Length == 0 || names.Str("plural").Length == 0)
            return [];
        return
        [
            .. spec.Items("versions", "").Select(version => version.Item)
                .Where(version => version.Str("name").Length > 0)
                .OrderBy(version => VersionPriority.Of(version.Str("name")))
                .Select(version => Version(spec!, names!, version)),
        ];
    }

    private static CustomKind Version(JsonObject spec, JsonObject names, JsonObject version)
    {
        var kind = names.Str("kind");
        var subresources = version.Obj("subresources");
        var scale = subresources.Obj("scale");
        var served = new List<string>();
        if (subresources?.ContainsKey("status") == true)
            served.Add("status");
        if (scale is not null)
            served.Add("scale");

        // A version without a schema keeps everything; a valid definition always has one.
        var source = version.Obj("schema").Obj("openAPIV3Schema") is { } schema
            ? (JsonObject)schema.DeepClone()
            : new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        return new CustomKind(source, Columns(version))
        {
            Group = spec.Str("group"),
            Version = version.Str("name"),
            Kind = kind,
            ListKind = names.Str("listKind") is { Length: > 0 } listKind ? listKind : kind + "List",
            Plural = names.Str("plural"),
            Singular = names.Str("singular") is { Length: > 0 } singular ? singular : kind.ToLowerInvariant(),
            ShortNames = [.. names.Strings("shortNames", "").Select(name => name.Item)],
            Categories = [.. names.Strings("categories", "").Select(name => name.Item)],
            Namespaced = spec.Str("scope") == "Namespaced",
            Subresources = served,
            Scale = scale is null ? null : new ScalePaths(
                scale.Str("specReplicasPath"), scale.Str("statusReplicasPath"), scale.Str("labelSelectorPath") is { Length: > 0 } selector ? selector : null),
            TracksGeneration = true,
            IsCustom = true,
            Served = version.Flag("served") == true,
            DeprecationWarning = version.Flag("deprecated") != true ? null
                : version.Str("deprecationWarning") is { Length: > 0 } warning ? warning
                : $"{spec.Str("group")}/{version.Str("name")} {kind} is deprecated",
        };
    }

    private static List<CustomColumn> Columns(JsonObject version)
    {
        var columns = new List<CustomColumn>();
        foreach (var (column, _) in version.Items("additionalPrinterColumns", ""))
        {
            if (JsonPath.TryParse(column.Str("jsonPath")) is { } path)
            {
                columns.Add(new CustomColumn(
                    new TableColumn(column.Str("name"), column.Str("type"), column.Str("format"), column.Str("description"), (int)(column.Int("priority") ?? 0)), path));
            }
        }

        if (columns.Count == 0)
            columns.Add(new CustomColumn(RowPrinter.Age with { Type = "date" }, JsonPath.TryParse(".metadata.creationTimestamp")!));
        return columns;
    }
}
