using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;

namespace Portolan.Hosting;

/// <summary>
/// One JSON object a line: <c>ts</c> (RFC 3339), <c>level</c>, <c>caller</c>, <c>msg</c>, then the message's own values under their names.
/// A line is written whole and at once, so that what a process said last before it died is there to read.
/// </summary>
internal sealed class JsonLineLogs(Stream output, LogLevel minimum, TimeProvider time) : ILoggerFactory
{
    // '+' and quotes inside messages stay readable; the output is never embedded in HTML.
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _line = new(512);

    public ILogger CreateLogger(string categoryName) => new LineLogger(this, Shorten(categoryName));

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("there is one destination");

    public void Dispose() => output.Flush();

    // "Portolan.Controller.StatusWriter" says no more to a reader than "Controller.StatusWriter".
    private static string Shorten(string category) => category.StartsWith("Portolan.", StringComparison.Ordinal) ? category["Portolan.".Length..] : category;

    private void Write<TState>(LogLevel level, string caller, TState state, Exception? exception, Func<TState, Exception?, string> format)
    {
        lock (_gate)
        {
            _line.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_line, Writing))
            {
                json.WriteStartObject();
                json.WriteString("ts", time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
                json.WriteString("level", LogVerbosity.NameOf(level));
                json.WriteString("caller", caller);
                json.WriteString("msg", format(state, exception));
                if (state is IReadOnlyList<KeyValuePair<string, object?>> values)
                    foreach (var (name, value) in values)
                        WriteValue(json, name, value, taken: exception is not null);
                if (exception is not null)
                {
                    json.WriteString("error", Describe(exception));
                    if (level >= LogLevel.Error && exception.StackTrace is { } stack)
                        json.WriteString("stack", stack);
                }

                json.WriteEndObject();
            }

            _line.Write("\n"u8);
            try
            {
                output.Write(_line.WrittenSpan);
                output.Flush();
            }
            catch (IOException)
            {
                // Whoever read our output is gone; there is nobody left to tell, and the work goes on.
            }
        }
    }

    private static void WriteValue(Utf8JsonWriter json, string name, object? value, bool taken)
    {
        // A placeholder called Message holds prose that the message already quotes.
        if (name is "{OriginalFormat}" or "Message")
            return;

        // Templates carry C#'s capitals; the lines carry MetalLB's small ones.
        name = JsonNamingPolicy.CamelCase.ConvertName(name);
        if (name is "ts" or "level" or "caller" or "msg" or "stack" || (name is "error" && taken))
            name = "_" + name;
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case bool flag: json.WriteBoolean(name, flag); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            case IEnumerable<IpAddress> addresses:
                json.WriteStartArray(name);
                foreach (var address in addresses)
                    json.WriteStringValue(address.ToString());
                json.WriteEndArray();
                break;
            default: json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }

    private static string Describe(Exception exception)
    {
        var text = exception.Message;
        for (var inner = exception.InnerException; inner is not null; inner = inner.InnerException)
            if (!text.Contains(inner.Message, StringComparison.Ordinal))
                text += ": " + inner.Message;
        return text;
    }

    private sealed class LineLogger(JsonLineLogs logs, string caller) : ILogger
    {
        private readonly LogLevel _minimum = logs.Minimum;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= _minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                logs.Write(logLevel, caller, state, exception, formatter);
        }
    }

    private LogLevel Minimum => minimum;
}
