using Microsoft.Extensions.Logging;

namespace Portolan.Hosting;

/// <summary>The words of <c>--log-level</c>, MetalLB's own.</summary>
internal static class LogVerbosity
{
    public static readonly string[] Words = ["all", "debug", "info", "warn", "error", "none"];

    /// <summary>The least severe level that is written.</summary>
    /// <exception cref="ArgumentException">None of <see cref="Words"/>.</exception>
    public static LogLevel Parse(string word) => word switch
    {
        "all" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "none" => LogLevel.None,
        _ => throw new ArgumentException($"unknown log level '{word}'", nameof(word)),
    };

    public static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => "error",
    };
}
