using System.Buffers;
using System.Text.Json;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Writes a <c>meta.k8s.io Table</c> row by row: nothing of it is kept but what the buffer has not been given up yet.</summary>
/// <param name="to">Where to; call <see cref="Flush"/> before the buffer itself is flushed.</param>
/// <param name="target">The kind whose columns these are.</param>
/// <param name="version">Of meta.k8s.io.</param>
/// <param name="include">What a row carries of its object: <c>None</c>, <c>Metadata</c> or <c>Object</c>.</param>
/// <param name="now">What ages are told against.</param>
internal sealed class TableWriter(IBufferWriter<byte> to, Target target, string version, string include, DateTimeOffset now) : IDisposable
{
    private readonly Utf8JsonWriter _writer = new(to, ObjectWriter.Options);

    public void Begin(ListPage page, bool columns)
    {
        _writer.WriteStartObject();
        _writer.WriteString("kind"u8, "Table"u8);
        _writer.WriteString("apiVersion"u8, $"meta.k8s.io/{version}");
        _writer.WritePropertyName("metadata"u8);
        page.WriteMetadata(_writer);
        _writer.WritePropertyName("columnDefinitions"u8);
        if (columns) WriteColumns(target.Kind.Columns);
        else _writer.WriteNullValue();
        _writer.WriteStartArray("rows"u8);
    }

    public void Row(StoredObject obj)
    {
        var bytes = StoredForm.ToVersion(obj, target.Kind, target.Resource);
        using var document = JsonDocument.Parse(bytes, StoredJson.Document);
        _writer.WriteStartObject();
        _writer.WriteStartArray("cells"u8);
        target.Kind.WriteCells(document.RootElement, _writer, now);
        _writer.WriteEndArray();
        if (include == "Object")
        {
            _writer.WritePropertyName("object"u8);
            _writer.WriteRawValue(bytes.Span, skipInputValidation: true);
        }
        else if (include != "None")
        {
            _writer.WriteStartObject("object"u8);
            _writer.WriteString("kind"u8, "PartialObjectMetadata"u8);
            _writer.WriteString("apiVersion"u8, $"meta.k8s.io/{version}");
            _writer.WritePropertyName("metadata"u8);
            _writer.WriteRawValue(obj.MetadataJson, skipInputValidation: true);
            _writer.WriteEndObject();
        }

        _writer.WriteEndObject();
    }

    public void End()
    {
        _writer.WriteEndArray();
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Flush() => _writer.Flush();

    public void Dispose() => _writer.Dispose();

    private void WriteColumns(IReadOnlyList<TableColumn> columns)
    {
        _writer.WriteStartArray();
        foreach (var column in columns)
        {
            _writer.WriteStartObject();
            _writer.WriteString("name"u8, column.Name);
            _writer.WriteString("type"u8, column.Type);
            _writer.WriteString("format"u8, column.Format);
            _writer.WriteString("description"u8, column.Description);
            _writer.WriteNumber("priority"u8, column.Priority);
            _writer.WriteEndObject();
        }

        _writer.WriteEndArray();
    }
}
