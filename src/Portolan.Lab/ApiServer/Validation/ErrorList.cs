using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Collects broken rules in the words a real server uses.</summary>
internal sealed class ErrorList
{
    private static readonly JsonWriterOptions _plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly List<FieldError> _errors = [];

    public IReadOnlyList<FieldError> Errors => _errors;

    public void Required(string path, string detail = "") =>
        Add(path, FieldErrorReason.FieldValueRequired, "Required value" + Detail(detail));

    public void Invalid(string path, JsonNode? value, string detail) =>
        Add(path, FieldErrorReason.FieldValueInvalid, $"Invalid value: {Show(value)}{Detail(detail)}");

    public void TypeInvalid(string path, string found, string detail) =>
        Add(path, FieldErrorReason.FieldValueTypeInvalid, $"Invalid value: {Quote(found)}{Detail(detail)}");

    public void NotSupported(string path, JsonNode? value, params IEnumerable<string> supported) =>
        Add(path, FieldErrorReason.FieldValueNotSupported, $"Unsupported value: {Show(value)}: supported values: {string.Join(", ", supported.Select(Quote))}");

    public void Duplicate(string path, JsonNode? value) =>
        Add(path, FieldErrorReason.FieldValueDuplicate, $"Duplicate value: {Show(value)}");

    public void Forbidden(string path, string detail) =>
        Add(path, FieldErrorReason.FieldValueForbidden, "Forbidden" + Detail(detail));

    public void NotFound(string path, JsonNode? value) =>
        Add(path, FieldErrorReason.FieldValueNotFound, $"Not found: {Show(value)}");

    public void TooLong(string path, int max) =>
        Add(path, FieldErrorReason.FieldValueTooLong, string.Create(CultureInfo.InvariantCulture, $"Too long: may not be more than {max} bytes"));

    public void TooMany(string path, int actual, int max) =>
        Add(path, FieldErrorReason.FieldValueTooMany, string.Create(CultureInfo.InvariantCulture, $"Too many: {actual}: must have at most {max} items"));

    public void Add(string path, FieldErrorReason reason, string message) => _errors.Add(new FieldError(path, reason, message));

    /// <summary>The value as it appears in a message: text quoted, everything else as JSON.</summary>
    public static string Show(JsonNode? value)
    {
        if (value is null)
            return "null";
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, _plain))
            value.WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static string Quote(string text) => Show(JsonValue.Create(text));

    private static string Detail(string detail) => detail.Length == 0 ? "" : ": " + detail;
}
