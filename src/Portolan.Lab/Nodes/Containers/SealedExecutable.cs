using static Portolan.Lab.Nodes.Containers.NativeMethods;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>
/// A container may run <c>/proc/self/exe</c>, which is this executable while a container is being made, and could later open that for writing:
/// the file of the machine. So the executable first shows its own directory read-only in a private mount namespace and starts itself again from there.
/// </summary>
internal static class SealedExecutable
{
    /// <summary>Does not return: this process becomes the same command, from a read-only mount.</summary>
    /// <exception cref="SystemCallException">A mount was refused.</exception>
    public static void Restart(IEnumerable<string> arguments)
    {
        var executable = Environment.ProcessPath ?? throw new InvalidOperationException("the executable's path is unknown");
        var directory = Path.GetDirectoryName(executable)!;
        SystemCall.Check(mount(null, "/", null, MsRec | MsPrivate, null), "mount private /");
        SystemCall.Check(mount(directory, directory, null, MsBind, null), $"bind {directory}");
        SystemCall.Check(mount(null, directory, null, MsRemount | MsBind | MsRdonly | MsNosuid | MsNodev, null), $"remount {directory}");
        var environment = new List<string>();
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment.Add($"{entry.Key}={entry.Value}");
        using var image = new ProcessImage(executable, [executable, .. arguments], environment);
        SystemCall.Check(image.Execute(), $"execute {executable}");
    }
}
