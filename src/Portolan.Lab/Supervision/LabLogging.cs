using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Portolan.Lab.Supervision;

internal static class LabLogging
{
    /// <summary>One line a message on standard output, which is a log file for the lab's programs and <c>kubectl logs</c> for its pods.</summary>
    public static ILoggerFactory ToConsole() => LoggerFactory.Create(builder => builder.AddSimpleConsole(options =>
    {
        options.SingleLine = true;
        options.UseUtcTimestamp = true;
        options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        options.ColorBehavior = LoggerColorBehavior.Disabled;
    }));
}
