using Portolan.Commands;

namespace Portolan.Proxy.Configuration;

/// <summary>Writes a configuration the way kube-proxy's <c>--write-config-to</c> does.</summary>
internal static class ConfigurationFile
{
    /// <summary>Writes the file anew.</summary>
    /// <returns>Whether that worked; where not, why was told.</returns>
    internal static bool Write(ConfigurationValues values, string file, TextWriter complaints)
    {
        try
        {
            File.WriteAllText(file, YamlText.Document(values.ToJson()));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            complaints.WriteLine($"portolan proxy: --write-config-to: {e.Message}");
            return false;
        }
    }
}
