using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Portolan.Proxy.Configuration;

/// <summary>How soon the kernel ends this process when memory runs out: from -1000, never, to 1000, first.</summary>
internal static class OomScore
{
    /// <summary>Sets it for this process; lowering it needs CAP_SYS_RESOURCE.</summary>
    /// <param name="score">-1000..1000.</param>
    /// <param name="isAsked">Somebody wants exactly that, and should hear where it fails: the default fails in every container that may not lower it.</param>
    /// <param name="log">Is told where that fails.</param>
    /// <param name="file">The kernel's file.</param>
    internal static void Apply(int score, bool isAsked, ILogger log, string file = "/proc/self/oom_score_adj")
    {
        try
        {
            var text = score.ToString(CultureInfo.InvariantCulture);
            if (File.ReadAllText(file).TrimEnd() != text)
                File.WriteAllText(file, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Log(isAsked ? LogLevel.Warning : LogLevel.Debug, "cannot set {File} to {Score}: {Reason}", file, score, e.Message);
        }
    }
}
