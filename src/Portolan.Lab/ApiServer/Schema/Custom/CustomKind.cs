using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema.Custom.Rules;
using Portolan.Lab.ApiServer.Tables;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>One version of a kind that a CustomResourceDefinition made.</summary>
/// <param name="source">The version's openAPIV3Schema as written.</param>
/// <param name="columns">What the table shows after the name.</param>
internal sealed class CustomKind(JsonObject source, IReadOnlyList<CustomColumn> columns) : KindSchema
{
    private readonly StructuralSchema _schema = StructuralSchema.Compile(source);
    private ValueStructure? _structure;
    private readonly TableColumn[] _columns = [RowPrinter.Name, .. columns.Select(column => column.Header)];

    // Compiled when the first object is written.
    private Lazy<RuleTree?> Rules => field ??= new Lazy<RuleTree?>(() => RuleTree.Build(_schema));

    /// <summary>The schema as the definition wrote it, for OpenAPI.</summary>
    public JsonObject Source => source;

    public override IReadOnlyList<TableColumn> Columns => _columns;

    public override DecodeOutcome Decode(JsonObject body)
    {
        var problems = new List<string>();
        foreach (var name in (string[])["apiVersion", "kind"])
        {
            if (body[name] is { } value && Scalars.AsString(value) is null)
                return new DecodeOutcome($"json: cannot unmarshal {Scalars.GoName(value)} into Go struct field TypeMeta.{name} of type string", problems);
        }

        if (body.TryGetPropertyValue("metadata", out var metadata))
        {
            if (metadata is null)
                body.Remove("metadata");
            else if (metadata is not JsonObject given)
                return new DecodeOutcome($"json: cannot unmarshal {Scalars.GoName(metadata)} into Go struct field .metadata of type v1.ObjectMeta", problems);
            else
            {
                var outcome = TypedDecoder.Decode(given, TypeLibrary.Instance.Get("meta/v1.ObjectMeta"), "metadata");
                if (outcome.Failure is not null)
                    return outcome;
                problems.AddRange(outcome.Problems);
            }
        }

        var unknown = new List<string>();
        Pruning.Prune(body, _schema, "", unknown);
        problems.AddRange(unknown.Select(path => $"unknown field \"{path}\""));
        return new DecodeOutcome(null, problems);
    }

    public override void Default(JsonObject obj) => Pruning.Default(obj, _schema);

    public override IReadOnlyList<FieldError> ValidateCreate(JsonObject obj)
    {
        var errors = new ErrorList();
        MetadataRules.Check(obj, Namespaced, NameRules.DnsSubdomain, errors);
        CheckMetadataSchema(obj, errors);
        SchemaValidator.Validate(obj, _schema, "", errors);
        CheckRules(obj, null, errors);
        return errors.Errors;
    }

    public override IReadOnlyList<FieldError> ValidateUpdate(JsonObject obj, JsonObject old, string? subresource)
    {
        var errors = new ErrorList();
        MetadataRules.Check(obj, Namespaced, NameRules.DnsSubdomain, errors);
        MetadataRules.CheckChange(obj, old, errors);
        CheckMetadataSchema(obj, errors);
        SchemaValidator.Validate(obj, _schema, "", errors, new Correlation(obj, old, null));
        CheckRules(obj, old, errors);
        return errors.Errors;
    }

    public override JsonObject StrategicMerge(JsonObject original, JsonObject patch) =>
        throw new FormatException("strategic merge patch is not supported for custom resources");

    public override ValueStructure Structure => _structure ??= CustomStructure.OfRoot(_schema);

    public override void WriteCells(JsonElement obj, Utf8JsonWriter cells, DateTimeOffset now)
    {
        cells.WriteStringValue(obj.Name());
        foreach (var column in columns)
            column.Write(obj, cells, now);
    }

    // Rules are about objects of their type: one that is not would break them for no reason of theirs.
    private void CheckRules(JsonObject obj, JsonObject? old, ErrorList errors)
    {
        if (Rules.Value is not { } rules)
            return;
        if (errors.Errors.Any(error => error.Reason is FieldErrorReason.FieldValueNotSupported or FieldErrorReason.FieldValueRequired or FieldErrorReason.FieldValueTooLong
            or FieldErrorReason.FieldValueTooMany or FieldErrorReason.FieldValueTypeInvalid))
            errors.Invalid("<nil>", "null", "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation");
        else
            RuleEvaluation.Check(rules, obj, old, errors);
    }

    // A definition may narrow metadata.name and generateName, and nothing else of the metadata.
    private void CheckMetadataSchema(JsonObject obj, ErrorList errors)
    {
        if (_schema.Properties.GetValueOrDefault("metadata") is { } metadata)
            SchemaValidator.Validate(obj.Obj("metadata") ?? [], metadata, "metadata", errors);
    }
}

/// <summary>A printer column of a custom kind.</summary>
internal sealed class CustomColumn(TableColumn header, JsonPath path)
{
    public TableColumn Header => header;

    public void Write(JsonElement obj, Utf8JsonWriter cells, DateTimeOffset now)
    {
        var found = path.Find(obj);
        if (found.Count == 0 || found[0].ValueKind == JsonValueKind.Null)
        {
            cells.WriteNullValue();
            return;
        }

        var value = found[0];
        switch (header.Type)
        {
            case "date":
                cells.WriteStringValue(value.Time() is { } instant ? HumanDuration.Format(now - instant) : "<invalid>");
                break;
            case "integer" when value.ValueKind == JsonValueKind.Number:
                cells.WriteNumberValue((long)value.GetDouble());
                break;
            case "number" when value.ValueKind == JsonValueKind.Number:
                cells.WriteNumberValue(value.GetDouble());
                break;
            case "boolean" when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                cells.WriteBooleanValue(value.GetBoolean());
                break;
            case "string":
                cells.WriteStringValue(value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText());
                break;
            default:
                cells.WriteNullValue();
                break;
        }
    }
}
