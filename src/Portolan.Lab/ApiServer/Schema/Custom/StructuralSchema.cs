using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Portolan.Lab.ApiServer.Cel.Patterns;
using Portolan.Lab.ApiServer.Schema.Custom.Rules;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>A compiled schema of a CustomResourceDefinition: what a value may be, what is kept of it, and what it is when not given.</summary>
internal sealed class StructuralSchema
{
    private StructuralSchema(JsonObject source)
    {
        Type = source.Str("type");
        Nullable = source.Flag("nullable") == true;
        PreserveUnknown = source.Flag("x-kubernetes-preserve-unknown-fields") == true;
        Embedded = source.Flag("x-kubernetes-embedded-resource") == true;
        IntOrString = source.Flag("x-kubernetes-int-or-string") == true;
        Default = source["default"]?.DeepClone();
        foreach (var (name, child) in source.Obj("properties") ?? [])
        {
            if (child is JsonObject body)
                Properties[name] = new StructuralSchema(body);
        }

        if (source.Obj("items") is { } items)
            Items = new StructuralSchema(items);
        if (source.Obj("additionalProperties") is { } values)
            Values = new StructuralSchema(values);
        AnyValues = source.Flag("additionalProperties") == true;
        List = source.Str("x-kubernetes-list-type") switch
        {
            "map" => ListKind.Map,
            "set" => ListKind.Set,
            _ => ListKind.Atomic,
        };
        ListKeys = [.. source.Strings("x-kubernetes-list-map-keys", "").Select(key => key.Item)];
        AtomicMap = source.Str("x-kubernetes-map-type") == "atomic";
        Required = [.. source.Strings("required", "").Select(name => name.Item)];
        Enum = source.List("enum") is { } values2 ? [.. values2.Select(value => value?.DeepClone())] : null;
        Format = source.Str("format");
        Pattern = source.Str("pattern");
        Matcher = Pattern.Length == 0 ? null : TryCompile(Pattern);
        MinLength = source.Int("minLength");
        MaxLength = source.Int("maxLength");
        MinItems = source.Int("minItems");
        MaxItems = source.Int("maxItems");
        MinProperties = source.Int("minProperties");
        MaxProperties = source.Int("maxProperties");
        UniqueItems = source.Flag("uniqueItems") == true;
        Minimum = Scalars.AsDouble(source["minimum"]);
        Maximum = Scalars.AsDouble(source["maximum"]);
        ExclusiveMinimum = source.Flag("exclusiveMinimum") == true;
        ExclusiveMaximum = source.Flag("exclusiveMaximum") == true;
        MultipleOf = Scalars.AsDouble(source["multipleOf"]);
        AllOf = Many(source, "allOf");
        AnyOf = Many(source, "anyOf");
        OneOf = Many(source, "oneOf");
        Not = source.Obj("not") is { } not ? new StructuralSchema(not) : null;
        Rules = ValidationRule.ReadAll(source);
    }

    public string Type { get; }
    public bool Nullable { get; }
    public bool PreserveUnknown { get; }

    /// <summary>The object is a Kubernetes object of its own, with apiVersion, kind and metadata.</summary>
    public bool Embedded { get; }

    public bool IntOrString { get; }
    public JsonNode? Default { get; }
    public Dictionary<string, StructuralSchema> Properties { get; } = new(StringComparer.Ordinal);
    public StructuralSchema? Items { get; }

    /// <summary>The schema of the members that <see cref="Properties"/> does not name.</summary>
    public StructuralSchema? Values { get; }

    /// <summary>Other members may be anything.</summary>
    public bool AnyValues { get; }

    public ListKind List { get; }
    public IReadOnlyList<string> ListKeys { get; }
    public bool AtomicMap { get; }
    public IReadOnlyList<string> Required { get; }
    public IReadOnlyList<JsonNode?>? Enum { get; }
    public string Format { get; }
    public string Pattern { get; }
    public Regex? Matcher { get; }
    public long? MinLength { get; }
    public long? MaxLength { get; }
    public long? MinItems { get; }
    public long? MaxItems { get; }
    public long? MinProperties { get; }
    public long? MaxProperties { get; }
    public bool UniqueItems { get; }
    public double? Minimum { get; }
    public double? Maximum { get; }
    public bool ExclusiveMinimum { get; }
    public bool ExclusiveMaximum { get; }
    public double? MultipleOf { get; }
    public IReadOnlyList<StructuralSchema> AllOf { get; }
    public IReadOnlyList<StructuralSchema> AnyOf { get; }
    public IReadOnlyList<StructuralSchema> OneOf { get; }
    public StructuralSchema? Not { get; }

    /// <summary>Expressions that must hold (x-kubernetes-validations).</summary>
    public IReadOnlyList<ValidationRule> Rules { get; }

    public static StructuralSchema Compile(JsonObject openApi) => new(openApi);

    /// <summary>Patterns are of the language they come from, and take time linear in the text; null when this is none.</summary>
    public static Regex? TryCompile(string pattern) => Re2.TryCompile(pattern, out _);

    private static StructuralSchema[] Many(JsonObject source, string name) => [.. source.Items(name, "").Select(entry => new StructuralSchema(entry.Item))];
}
