using Microsoft.Extensions.Logging;

namespace Portolan.Hosting;

/// <summary>Lines whose message is fixed text and whose values stand beside it under their own names, as in MetalLB's logs.</summary>
internal static class LogLines
{
    /// <summary>Writes a line: <c>msg</c> is the message, each value a property of its own.</summary>
    public static void Line(this ILogger log, LogLevel level, string message, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (!log.IsEnabled(level))
            return;
        var named = new KeyValuePair<string, object?>[values.Length];
        for (var i = 0; i < values.Length; i++)
            named[i] = new KeyValuePair<string, object?>(values[i].Name, values[i].Value);
        log.Log(level, default, new NamedValues(message, named), null, static (line, _) => line.Message);
    }

    private sealed class NamedValues(string message, KeyValuePair<string, object?>[] values) : IReadOnlyList<KeyValuePair<string, object?>>
    {
        public string Message => message;

        public int Count => values.Length;

        public KeyValuePair<string, object?> this[int index] => values[index];

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => values.AsEnumerable().GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
