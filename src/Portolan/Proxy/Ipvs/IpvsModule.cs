using System.ComponentModel;
using System.Diagnostics;
using Portolan.Linux.Ipvs;
using Portolan.Linux.Netlink;

namespace Portolan.Proxy.Ipvs;

/// <summary>Finds IPVS in the kernel, and has its module loaded where the system can do that.</summary>
internal static class IpvsModule
{
    private const string Modprobe = "modprobe";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>What to say where there is none.</summary>
    internal const string Missing = "this kernel has no IPVS: neither built in, nor as the module ip_vs";

    /// <summary>Opens a connection in the network namespace of the calling thread.</summary>
    /// <returns>Null where there is no IPVS.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal static IpvsConnection? Open()
    {
        if (IpvsConnection.TryOpen() is { } there)
            return there;
        Load();
        return IpvsConnection.TryOpen();
    }

    // A container may not have the program, or not the right: then the node's owner loads the module.
    private static void Load()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Modprobe, ["-q", "ip_vs"]) { RedirectStandardError = true, RedirectStandardOutput = true });
            if (process?.WaitForExit(Patience) is false)
                process.Kill();
        }
        catch (Win32Exception)
        {
            // There is no such program.
        }
    }
}
