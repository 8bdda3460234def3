using Microsoft.Extensions.Logging;
using Portolan.Core.Cluster;

namespace Portolan.Proxy.Configuration;

/// <summary>
/// Notices that the configuration file is another than the one in effect. As kube-proxy does, the process then ends, for whoever supervises it
/// to start it anew: no flow notices. It does not end for a file that it could not start with, nor for one that a ConfigMap is behind:
/// that changes on every node at once, and whoever changed it decides when which node takes it.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="text">What was read from it.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Is told of changes.</param>
internal sealed class ConfigurationWatch(string path, string text, TimeProvider time, ILogger log)
{
    /// <summary>How often the file is looked at.</summary>
    internal static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private string? _seen; // content that was told of

    /// <summary>Returns when the process should end.</summary>
    internal async Task RunAsync(CancellationToken stop)
    {
        do
            await Task.Delay(Period, time, stop);
        while (!IsToEnd());
    }

    private bool IsToEnd()
    {
        if (Read() is not { } now || now == (_seen ?? text))
            return false;
        _seen = now;
        if (now == text)
            return false;
        var errors = new List<FieldError>();
        var warnings = new List<string>();
        new OptionsCheck(new ConfigurationReader(errors, warnings).Read(now), errors, warnings).Options();
        if (errors.Count > 0)
        {
            log.LogError("{File} has changed and cannot be used; what was read before stays in force: {Errors}", path, string.Join("; ", errors));
            return false;
        }

        if (File.ResolveLinkTarget(path, returnFinalTarget: false) is not null)
        {
            log.LogWarning("{File} has changed; that takes effect at the next start", path);
            return false;
        }

        log.LogWarning("{File} has changed; ending, to be started with it", path);
        return true;
    }

    // A file that is being replaced is not there for a moment.
    private string? Read()
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
