using System.ComponentModel;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace Portolan.Lab.Network;

/// <summary>Runs a few lines inside a named network namespace.</summary>
internal static partial class NetworkNamespace
{
    private const int CloneNewNet = 0x40000000;

    /// <summary>
    /// Runs <paramref name="work"/> on a thread of its own that has moved into the namespace and ends afterwards. The work may
    /// open sockets and files; it must start no task, timer or thread, because those would inherit the namespace.
    /// </summary>
    public static T Run<T>(string path, Func<T> work)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle(path);
                if (setns(handle, CloneNewNet) != 0)
                    throw new Win32Exception(Marshal.GetLastPInvokeError(), $"setns {path}");
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    /// <summary>Writes settings below /proc/sys/net of the namespace, in order. What this kernel does not have is left out.</summary>
    public static void WriteSettings(string path, IEnumerable<(string Path, string Value)> settings) => Run(path, () =>
    {
        foreach (var (name, value) in settings)
        {
            var file = Path.Combine("/proc/sys/net", name);
            if (File.Exists(file))
                File.WriteAllText(file, value);
        }
        return true;
    });

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(SafeFileHandle descriptor, int kind);
}
