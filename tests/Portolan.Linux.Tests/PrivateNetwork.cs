using System.Runtime.InteropServices;

namespace Portolan.Linux.Tests;

/// <summary>Runs code on a thread of its own in a fresh network namespace, which goes away with what was opened in it.</summary>
internal static partial class PrivateNetwork
{
    private const int CloneNewNet = 0x40000000;

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    /// <summary>Opens something in a fresh namespace. The thread must not start tasks: they would run in the namespace too.</summary>
    internal static T Open<T>(Func<T> open)
    {
        T? result = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (Unshare(CloneNewNet) != 0)
                    throw new InvalidOperationException($"unshare: errno {Marshal.GetLastPInvokeError()}");
                result = open();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result! : throw new InvalidOperationException("in the private namespace", failure);
    }

    internal static void SkipUnlessRoot() =>
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root: it makes a network namespace");
}
