using System.Text;

using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Logs;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>What a container says of its end: a file it may write (<c>terminationMessagePath</c>), or else the end of its log.</summary>
internal static class TerminationMessage
{
    /// <summary>A kubelet's bounds: 4 KiB of the file; of the log 2 KiB or 80 lines, whichever is less.</summary>
    private const int MostOfFile = 4096;
    private const int MostOfLog = 2048;
    private const int MostLines = 80;

    /// <summary>Makes the file, for one life of the container, and shows it in the container.</summary>
    public static ContainerMount Mount(Container container, string file)
    {
        File.WriteAllText(file, "");
        SystemCall.Check(NativeMethods.chmod(file, 0x1B6), $"chmod {file}");    // 0666, whoever the container runs as
        return new ContainerMount(file, Path.GetFullPath(container.TerminationMessagePath is { Length: > 0 } path ? path : "/dev/termination-log", "/"), ReadOnly: false);
    }

    public static string? Read(Container container, string file, ContainerLog log, int exitCode)
    {
        var text = File.Exists(file) ? Beginning(file) : "";
        if (text.Length == 0 && container.TerminationMessagePolicy == "FallbackToLogsOnError" && exitCode != 0)
            text = LogReader.Tail(log.Path, MostLines, MostOfLog);
        return text.Length > 0 ? text : null;
    }

    /// <summary>A container may have made it large.</summary>
    private static string Beginning(string file)
    {
        using var stream = File.OpenRead(file);
        var bytes = new byte[MostOfFile];
        return Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
    }
}
