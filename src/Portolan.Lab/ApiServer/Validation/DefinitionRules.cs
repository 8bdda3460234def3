using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Schema.Custom;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>CustomResourceDefinitions: names that fit together, one version stored, schemas that are structural.</summary>
internal static class DefinitionRules
{
    public static KindRules CustomResourceDefinition { get; } = new()
    {
        Default = Default,
        Check = Check,
        CheckChange = static (definition, old, errors) =>
        {
            foreach (var name in (string[])["group", "scope"])
                ValueRules.Immutable($"spec.{name}", definition.Obj("spec")?[name], old.Obj("spec")?[name], errors);
            foreach (var name in (string[])["plural", "kind"])
                ValueRules.Immutable($"spec.names.{name}", definition.Obj("spec").Obj("names")?[name], old.Obj("spec").Obj("names")?[name], errors);
            ConversionRules.CheckStoredVersions(definition, errors);
        },
        CheckStatus = static (definition, _, errors) => ConversionRules.CheckStoredVersions(definition, errors),
    };

    private static void Default(JsonObject definition)
    {
        var spec = definition.Ensure("spec");
        var names = spec.Ensure("names");
        var kind = names.Str("kind");
        if (kind.Length > 0)
        {
            names.SetDefault("singular", kind.ToLowerInvariant());
            names.SetDefault("listKind", kind + "List");
        }

        ConversionRules.Default(spec);
        foreach (var (version, _) in spec.Items("versions", ""))
        {
            version.SetDefault("served", false);
            version.SetDefault("storage", false);
        }
    }

    private static void Check(JsonObject definition, ErrorList errors)
    {
        var spec = definition.Obj("spec");
        var names = spec.Obj("names");
        var group = spec.Str("group");
        if (group.Length == 0)
            errors.Required("spec.group");
        else
        {
            MetadataRules.CheckEach("spec.group", group, NameRules.DnsSubdomain, errors);
            if (!group.Contains('.', StringComparison.Ordinal))
                errors.Invalid("spec.group", group, "should be a domain with at least one dot");
        }

        foreach (var name in (string[])["plural", "singular"])
        {
            if (names.Str(name) is { Length: > 0 } text)
                MetadataRules.CheckEach($"spec.names.{name}", text, NameRules.Dns1035Label, errors);
            else
                errors.Required($"spec.names.{name}");
        }

        foreach (var name in (string[])["kind", "listKind"])
        {
            if (names.Str(name) is { Length: > 0 } text)
                CheckKind($"spec.names.{name}", text, errors);
            else
                errors.Required($"spec.names.{name}");
        }

        foreach (var (name, path) in names.Strings("shortNames", "spec.names"))
            MetadataRules.CheckEach(path, name, NameRules.Dns1035Label, errors);
        var expected = $"{names.Str("plural")}.{group}";
        if (definition.Obj("metadata").Str("name") is { Length: > 0 } actual && actual != expected && group.Length > 0)
            errors.Invalid("metadata.name", actual, "must be spec.names.plural+\".\"+spec.group");
        ValueRules.OneOf("spec.scope", spec.Str("scope"), errors, "Cluster", "Namespaced");
        ConversionRules.Check(spec, errors);
        CheckVersions(spec, errors);
    }

    private static void CheckKind(string path, string kind, ErrorList errors) =>
        MetadataRules.CheckEach(path, kind, name => NameRules.Dns1035Label(name.ToLowerInvariant()).Select(problem => $"may have mixed case, but should otherwise match: {problem}"), errors);

    private static void CheckVersions(JsonObject? spec, ErrorList errors)
    {
        var seen = new HashSet<string>();
        var stored = 0;
        foreach (var (version, path) in spec.Items("versions", "spec"))
        {
            var name = version.Str("name");
            if (name.Length == 0)
                errors.Required(path + ".name");
            else
                MetadataRules.CheckEach(path + ".name", name, NameRules.Dns1035Label, errors);
            if (name.Length > 0 && !seen.Add(name))
                errors.Duplicate(path + ".name", name);
            if (version.Flag("storage") == true)
                stored++;
            if (version.Obj("schema").Obj("openAPIV3Schema") is not { } schema)
                errors.Required(path + ".schema.openAPIV3Schema", "schemas are required");
            else
                CheckSchema(schema, path + ".schema.openAPIV3Schema", errors);
            CheckColumns(version, path, errors);
            if (version.Obj("subresources").Obj("scale") is { } scale)
            {
                foreach (var field in (string[])["specReplicasPath", "statusReplicasPath"])
                {
                    if (scale.Str(field).Length == 0)
                        errors.Required($"{path}.subresources.scale.{field}");
                }
            }
        }

        if (stored != 1)
            errors.Invalid("spec.versions", spec.List("versions"), "must have exactly one version marked as storage version");
    }

    // Rules are about the types a schema gives: where it gives none there is nothing to say of them yet.
    private static void CheckSchema(JsonObject schema, string path, ErrorList errors)
    {
        var before = errors.Errors.Count;
        StructuralRules.Check(schema, path, errors);
        if (errors.Errors.Count == before)
            ExpressionRules.Check(StructuralSchema.Compile(schema), path, errors);
    }

    private static void CheckColumns(JsonObject version, string path, ErrorList errors)
    {
        foreach (var (column, at) in version.Items("additionalPrinterColumns", path))
        {
            if (column.Str("name").Length == 0)
                errors.Required(at + ".name");
            ValueRules.OneOf(at + ".type", column.Str("type"), errors, "integer", "number", "string", "boolean", "date");
            ValueRules.OneOfIfSet(at + ".format", column.Str("format"), errors, "int32", "int64", "float", "double", "byte", "date", "date-time", "password");
            if (column.Str("jsonPath").Length == 0)
                errors.Required(at + ".jsonPath");
            else if (JsonPath.TryParse(column.Str("jsonPath")) is null)
                errors.Invalid(at + ".jsonPath", column.Str("jsonPath"), "is an invalid path: only simple json paths of names, indices, [*] and [?(@.name==\"value\")] are supported");
        }
    }
}
