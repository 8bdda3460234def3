using System.Globalization;
using System.Text;

namespace Portolan.Lab.Nodes.Logs;

/// <summary>Reads a log as <c>kubectl logs</c> wants it.</summary>
internal static class LogReader
{
    /// <summary>Copies what is asked for; with <see cref="LogQuery.Follow"/> until the container has ended.</summary>
    public static async Task CopyAsync(ContainerLog log, LogQuery query, Func<ReadOnlyMemory<byte>, ValueTask> output, CancellationToken cancel)
    {
        var left = query.LimitBytes ?? long.MaxValue;
        var skip = query.TailLines is { } tail ? Math.Max(0, await CountLinesAsync(log.Path, query.Since, cancel).ConfigureAwait(false) - tail) : 0;
        while (left > 0)
        {
            var (opened, generation) = log.OpenForReading();
            await using var file = opened;
            var reader = new LineReader(file);
            while (left > 0)
            {
                // Asked before reading: what is written between the last read and the wait completes it.
                var changed = log.Changed;
                var ended = log.Ended;
                var rotated = log.Generation != generation;
                while (left > 0 && await reader.NextAsync(cancel).ConfigureAwait(false) is { } line)
                {
                    if (!LogLine.TryParse(line.Span, out var parsed) || (query.Since is { } since && parsed.Time < since))
                        continue;
                    if (skip > 0)
                    {
                        skip -= parsed.IsWhole ? 1 : 0;
                        continue;
                    }
                    var text = Render(line, parsed, query.Timestamps);
                    if (text.Length > left)
                        text = text[..(int)left];
                    left -= text.Length;
                    await output(text).ConfigureAwait(false);
                }
                if (rotated)
                    break;
                if (!query.Follow || ended)
                    return;
                await changed.WaitAsync(cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The last lines of a log that has ended, without their times; the end of them where they are too long.</summary>
    public static string Tail(string path, int lines, int characters)
    {
        var last = new Queue<string>();
        foreach (var line in File.ReadLines(path))
        {
            if (!LogLine.TryParse(Encoding.UTF8.GetBytes(line), out var parsed))
                continue;
            if (last.Count == lines)
                last.Dequeue();
            last.Enqueue(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(line).AsSpan(parsed.ContentStart)));
        }
        var text = string.Concat(last.Select(l => l + "\n"));
        return text.Length <= characters ? text : text[^characters..];
    }

    private static ReadOnlyMemory<byte> Render(ReadOnlyMemory<byte> line, LogLine parsed, bool timestamps)
    {
        var text = new byte[(timestamps ? parsed.TimeLength + 1 : 0) + line.Length - parsed.ContentStart + (parsed.IsWhole ? 1 : 0)];
        var at = 0;
        if (timestamps)
        {
            line.Span[..parsed.TimeLength].CopyTo(text);
            text[parsed.TimeLength] = (byte)' ';
            at = parsed.TimeLength + 1;
        }
        line.Span[parsed.ContentStart..].CopyTo(text.AsSpan(at));
        if (parsed.IsWhole)
            text[^1] = (byte)'\n';
        return text;
    }

    private static async Task<long> CountLinesAsync(string path, DateTimeOffset? since, CancellationToken cancel)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.Asynchronous);
        var reader = new LineReader(file);
        long count = 0;
        while (await reader.NextAsync(cancel).ConfigureAwait(false) is { } line)
            if (LogLine.TryParse(line.Span, out var parsed) && parsed.IsWhole && (since is null || parsed.Time >= since))
                count++;
        return count;
    }

    /// <summary>Whole lines of a file that may grow: what has no end yet waits for the next call.</summary>
    private sealed class LineReader(Stream file)
    {
        private byte[] _buffer = new byte[64 * 1024];
        private int _start;
        private int _end;

        public async ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken cancel)
        {
            while (true)
            {
                var length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
                if (length >= 0)
                {
                    var line = _buffer.AsMemory(_start, length);
                    _start += length + 1;
                    return line;
                }
                if (_start > 0)
                {
                    _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                    (_start, _end) = (0, _end - _start);
                }
                else if (_end == _buffer.Length)
                {
                    Array.Resize(ref _buffer, _buffer.Length * 2);
                }
                var count = await file.ReadAsync(_buffer.AsMemory(_end), cancel).ConfigureAwait(false);
                if (count == 0)
                    return null;
                _end += count;
            }
        }
    }
}

/// <summary>One line of a log file: <c>TIME STREAM TAG CONTENT</c>.</summary>
/// <param name="Time">When it was written.</param>
/// <param name="TimeLength">Bytes of the time.</param>
/// <param name="IsWhole">Tag F; P is a part of a line whose rest follows.</param>
/// <param name="ContentStart">Where the content begins.</param>
internal readonly record struct LogLine(DateTimeOffset Time, int TimeLength, bool IsWhole, int ContentStart)
{
    public static bool TryParse(ReadOnlySpan<byte> line, out LogLine parsed)
    {
        parsed = default;
        var time = line.IndexOf((byte)' ');
        if (time < 20)
            return false;
        var stream = line[(time + 1)..].IndexOf((byte)' ');
        var tag = time + 1 + stream + 1;
        if (stream < 0 || line.Length < tag + 2 || line[tag + 1] != (byte)' ')
            return false;
        // Nine decimals are written, seven are what a DateTimeOffset has.
        var text = Encoding.ASCII.GetString(line[..Math.Min(time, 27)]) + "Z";
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var when))
            return false;
        parsed = new LogLine(when, time, line[tag] == (byte)'F', tag + 2);
        return true;
    }
}
