using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.Schema;

/// <summary>Shorthands: kinds by name, objects from JSON, a written object through every step, and a printed table.</summary>
internal static class Kinds
{
    public static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    public static KindSchema Get(string kind, string group = "") => BuiltInKinds.All.First(entry => entry.Kind == kind && entry.Group == group);

    public static JsonObject Json(string text) => (JsonObject)JsonNode.Parse(text)!;

    /// <summary>Decodes strictly, defaults and validates; fails the test when the object would be refused.</summary>
    public static JsonObject Accept(KindSchema kind, string text)
    {
        var obj = Json(text);
        var outcome = kind.Decode(obj);
        Assert.Null(outcome.Failure);
        Assert.Empty(outcome.Problems);
        kind.Default(obj);
        Assert.Empty(kind.ValidateCreate(obj));
        return obj;
    }

    /// <summary>What a user reads after <c>The X "x" is invalid:</c>.</summary>
    public static string[] Errors(KindSchema kind, string text)
    {
        var obj = Json(text);
        var outcome = kind.Decode(obj);
        Assert.Null(outcome.Failure);
        kind.Default(obj);
        return [.. kind.ValidateCreate(obj).Select(error => $"{error.Path}: {error.Message}")];
    }

    public static string[] ChangeErrors(KindSchema kind, JsonObject obj, JsonObject old) =>
        [.. kind.ValidateUpdate(obj, old, null).Select(error => $"{error.Path}: {error.Message}")];

    public static JsonElement[] Cells(KindSchema kind, JsonNode obj)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            kind.WriteCells(JsonSerializer.Deserialize<JsonElement>(obj.ToJsonString()), writer, Now);
            writer.WriteEndArray();
        }

        using var document = JsonDocument.Parse(buffer.ToArray());
        var cells = document.RootElement.EnumerateArray().Select(cell => cell.Clone()).ToArray();
        Assert.Equal(kind.Columns.Count, cells.Length);
        return cells;
    }

    /// <summary>The table as kubectl lays it out: columns as wide as their widest cell, three blanks between.</summary>
    public static string Print(KindSchema kind, bool wide, params JsonNode[] objects)
    {
        var shown = Enumerable.Range(0, kind.Columns.Count).Where(i => wide || kind.Columns[i].Priority == 0).ToArray();
        var rows = new List<string[]> { shown.Select(i => kind.Columns[i].Name.ToUpperInvariant()).ToArray() };
        foreach (var obj in objects)
        {
            var cells = Cells(kind, obj);
            rows.Add([.. shown.Select(i => cells[i].ValueKind == JsonValueKind.Null ? "" : cells[i].ToString())]);
        }

        var widths = Enumerable.Range(0, shown.Length).Select(i => rows.Max(row => row[i].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows)
            text.Append(string.Concat(row.Select((cell, i) => i == row.Length - 1 ? cell : cell.PadRight(widths[i] + 3)))).Append('\n');
        return text.ToString();
    }

    public static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    public static string Ago(TimeSpan age) => Timestamps.Format(Now - age);
}
