using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.StrategicMerge;
using Portolan.Lab.ApiServer.Tables;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>A kind every cluster has: its type from the library, its rules and its table from code.</summary>
internal sealed class BuiltInKind(TypeDefinition type, KindRules rules, RowPrinter printer) : KindSchema
{
    public TypeDefinition Type => type;

    public override IReadOnlyList<TableColumn> Columns => printer.Columns;

    public override DecodeOutcome Decode(JsonObject body) => TypedDecoder.Decode(body, type);

    public override void Default(JsonObject obj)
    {
        rules.Default?.Invoke(obj);
        if (!HasStatus || type.Find("status") is not { Type.HasObject: true } field)
            return;

        // A status is always there, and its counters count from nothing.
        var status = obj.Ensure("status");
        foreach (var counter in field.Type.Object.Fields)
        {
            if (counter is { Required: true, Type: { Shape: ValueShape.Single, Kind: ValueKind.Int32 or ValueKind.Int64 } })
                status[counter.Name] ??= 0;
        }
    }

    public override IReadOnlyList<FieldError> ValidateCreate(JsonObject obj)
    {
        var errors = new ErrorList();
        CheckObject(obj, errors);
        return errors.Errors;
    }

    public override IReadOnlyList<FieldError> ValidateUpdate(JsonObject obj, JsonObject old, string? subresource)
    {
        var errors = new ErrorList();
        if (subresource == "status")
        {
            MetadataRules.CheckChange(obj, old, errors);
            rules.CheckStatus?.Invoke(obj, old, errors);
            return errors.Errors;
        }

        CheckObject(obj, errors);
        MetadataRules.CheckChange(obj, old, errors);
        if (subresource is null)
            rules.CheckChange?.Invoke(obj, old, errors);
        return errors.Errors;
    }

    public override JsonObject StrategicMerge(JsonObject original, JsonObject patch) => StrategicMergePatch.Apply(original, patch, type);

    public override ValueStructure Structure { get; } = TypedStructure.Of(type);

    public override void WriteCells(JsonElement obj, Utf8JsonWriter cells, DateTimeOffset now) => printer.Write(obj, cells, now);

    private void CheckObject(JsonObject obj, ErrorList errors)
    {
        if (rules.HasName)
            MetadataRules.Check(obj, Namespaced, rules.Name, errors);
        rules.Check?.Invoke(obj, errors);
    }
}
