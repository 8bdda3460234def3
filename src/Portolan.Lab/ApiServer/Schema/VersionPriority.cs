using System.Text.RegularExpressions;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>Kubernetes' order of versions: stable ones first and newest first, then beta, alpha, and whatever else by name.</summary>
internal static partial class VersionPriority
{
    /// <summary>What versions are to be sorted by.</summary>
    public static (int Class, int Major, int Minor, string Name) Of(string version)
    {
        if (KubernetesVersion().Match(version) is not { Success: true } match || !int.TryParse(match.Groups[1].ValueSpan, out var major))
            return (3, 0, 0, version);
        _ = int.TryParse(match.Groups[3].ValueSpan, out var minor);
        var stage = match.Groups[2].Value switch
        {
            "" => 0,
            "beta" => 1,
            _ => 2,
        };
        return (stage, -major, -minor, version);
    }

    [GeneratedRegex("^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$")]
    private static partial Regex KubernetesVersion();
}
