using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Portolan.Lab.Supervision;

internal static partial class NativeMethods
{
    private const int FSetFd = 2;
    private const int FdCloexec = 1;
    private const int NoSuchFile = 2;

    /// <summary>rmdir(2) and nothing more: cgroup directories hold files that only the kernel can remove, which Directory.Delete stumbles over.</summary>
    public static void RemoveDirectory(string path)
    {
        if (rmdir(path) != 0 && Marshal.GetLastPInvokeError() is var error && error != NoSuchFile)
            throw new Win32Exception(error, $"rmdir {path}: {new Win32Exception(error).Message}");
    }

    /// <summary>Whether programs started from now on inherit the descriptor.</summary>
    public static void SetInherited(int descriptor, bool inherited)
    {
        if (fcntl(descriptor, FSetFd, inherited ? 0 : FdCloexec) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "fcntl F_SETFD");
    }

    /// <summary>This process becomes another program, found on PATH, with this process's environment.</summary>
    /// <returns>Why that was not possible; otherwise it does not return.</returns>
    public static string Become(string program, IEnumerable<string> arguments)
    {
        // The array ends with a null pointer; the environment is passed because .NET keeps changes to it from the C library.
        string?[] environment = [.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(e => $"{e.Key}={e.Value}"), null];
        _ = execvpe(program, [program, .. arguments, null], environment);
        return $"cannot run {program}: {Marshal.GetLastPInvokeErrorMessage()}";
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execvpe(string file, string?[] arguments, string?[] environment);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rmdir(string path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);
}
