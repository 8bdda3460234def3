using System.Globalization;
using Microsoft.Extensions.Logging;
using Portolan.Proxy.Configuration;

namespace Portolan.Proxy;

/// <summary>Settings of the node's kernel that forwarding needs, and the connection-tracking ones kube-proxy makes.</summary>
internal static class NodeSysctls
{
    /// <summary>Makes the settings, each on its own. What is already so is not written.</summary>
    /// <returns>Whether every one of them that matters is as wanted.</returns>
    internal static bool Apply(IEnumerable<WantedSetting> settings, ILogger log)
    {
        var refused = new List<string>();
        var isDone = true;
        foreach (var setting in settings)
        {
            try
            {
                if (int.TryParse(File.ReadAllText(setting.Path), NumberStyles.Integer, CultureInfo.InvariantCulture, out var now) && (now == setting.Value || (setting.IsLeast && now > setting.Value)))
                    continue;
                File.WriteAllText(setting.Path, setting.Value.ToString(CultureInfo.InvariantCulture));
                log.LogInformation("{Setting} is {Value} now", setting.Path, setting.Value);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (setting.IsVital)
                    log.LogError("cannot set {Setting} to {Value}: {Reason}", setting.Path, setting.Value, e.Message);
                isDone &= setting.IsOptional;
                refused.Add($"{setting.Path} to {setting.Value}");
            }
        }

        // A container may see these files read-only, or (in a network namespace) not be allowed some of them: then the node's owner sets them.
        if (refused.Count > 0)
            log.LogInformation("this process may not set {Settings}; portolan proxy --init-only with full privileges does", string.Join(", ", refused));
        return isDone;
    }
}
