using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>A system call failed while a container was being made: what was tried, and the kernel's reason.</summary>
internal sealed class SystemCallException(string what, int error) : Exception($"{what}: {new Win32Exception(error).Message}")
{
    public int Error { get; } = error;
}

internal static class SystemCall
{
    public const int ENOENT = 2, EINTR = 4, EACCES = 13, EINVAL = 22;

    /// <returns>The call's result.</returns>
    /// <exception cref="SystemCallException">It was negative.</exception>
    public static int Check(int result, string what) => result >= 0 ? result : throw new SystemCallException(what, Marshal.GetLastPInvokeError());
}
