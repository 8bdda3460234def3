using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Portolan.Bfd;

/// <summary>A log for a thread that must not wait: lines are written by another one. What comes too fast is left out.</summary>
internal sealed class QueuedLog(ILogger log) : ILogger
{
    private readonly Channel<(LogLevel Level, string Line)> _lines =
        Channel.CreateBounded<(LogLevel, string)>(new BoundedChannelOptions(256) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Writes what has been queued, until <see cref="Complete"/>.</summary>
    public async Task WriteAsync()
    {
        await foreach (var (level, line) in _lines.Reader.ReadAllAsync())
            log.Log(level, "{Message}", line);
    }

    /// <summary>Nothing comes any more.</summary>
    public void Complete() => _lines.Writer.TryComplete();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            _lines.Writer.TryWrite((logLevel, formatter(state, exception)));
    }
}
