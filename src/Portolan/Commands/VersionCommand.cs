using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Portolan.Commands;

/// <summary><c>portolan version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>The product version, with the commit it was built from after a plus sign.</summary>
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create()
    {
        var command = new Command("version", "Print the version.");
        command.SetAction(parse => parse.InvocationConfiguration.Output.WriteLine($"portolan {Version} ({RuntimeInformation.RuntimeIdentifier})"));
        return command;
    }
}
