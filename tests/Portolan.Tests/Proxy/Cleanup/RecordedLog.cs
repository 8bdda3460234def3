using Microsoft.Extensions.Logging;

namespace Portolan.Tests.Proxy.Cleanup;

/// <summary>Keeps what is logged, a line each.</summary>
internal sealed class RecordedLog : ILogger
{
    internal List<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Add($"{logLevel}: {formatter(state, exception)}");
}
