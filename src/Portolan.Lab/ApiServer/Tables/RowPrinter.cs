using System.Text.Json;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>The cells of one row as they are written.</summary>
internal sealed class Cells(Utf8JsonWriter writer, DateTimeOffset now)
{
    public DateTimeOffset Now => now;

    public void Text(string value) => writer.WriteStringValue(value);

    public void Number(long value) => writer.WriteNumberValue(value);

    public void Flag(bool value) => writer.WriteBooleanValue(value);

    /// <summary>Text, or <c>&lt;none&gt;</c> when there is none.</summary>
    public void TextOrNone(string value) => writer.WriteStringValue(value.Length == 0 ? "<none>" : value);

    public void Age(JsonElement obj) => Text(Since(obj.At("metadata", "creationTimestamp")));

    /// <summary>How long ago, or <c>&lt;unknown&gt;</c>.</summary>
    public string Since(JsonElement timestamp) =>
        timestamp.Time() is { } instant ? HumanDuration.Format(now - instant) : "<unknown>";
}

/// <summary>How a kind prints: its columns, and the cells of one object.</summary>
internal sealed class RowPrinter(IReadOnlyList<TableColumn> columns, Action<JsonElement, Cells> write)
{
    public IReadOnlyList<TableColumn> Columns => columns;

    /// <summary>What kinds without columns of their own print.</summary>
    public static RowPrinter Default { get; } = new([Name, new TableColumn("Created At", "date")], (obj, cells) =>
    {
        cells.Text(obj.Name());
        cells.Text(obj.At("metadata", "creationTimestamp").Str());
    });

    public static RowPrinter NameAndAge { get; } = new([Name, Age], (obj, cells) =>
    {
        cells.Text(obj.Name());
        cells.Age(obj);
    });

    public static TableColumn Name => new("Name", Format: "name", Description: "Name is unique within a namespace.");

    public static TableColumn Age => new("Age", Description: "Time since the object was created.");

    public void Write(JsonElement obj, Utf8JsonWriter writer, DateTimeOffset now) => write(obj, new Cells(writer, now));

    public static TableColumn Column(string name) => new(name);

    public static TableColumn Number(string name) => new(name, "integer");

    public static TableColumn Wide(string name) => new(name, Priority: 1);
}
