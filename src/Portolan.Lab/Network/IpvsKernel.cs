using System.ComponentModel;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Network;

/// <summary>What a kernel must have for nodes that forward by IPVS.</summary>
internal static class IpvsKernel
{
    /// <summary>Looks for IPVS and for dummy links, and has their modules loaded where they are modules: a node's proxy has not the right to.</summary>
    /// <returns>The names of the modules that this kernel neither has built in nor can load.</returns>
    public static async Task<IReadOnlyList<string>> MissingAsync(CancellationToken cancel)
    {
        // The file is there in every network namespace as soon as IPVS is.
        if (!File.Exists("/proc/net/ip_vs"))
            await SucceedsAsync("modprobe", ["-q", "ip_vs"], cancel).ConfigureAwait(false);
        List<string> missing = [];
        if (!File.Exists("/proc/net/ip_vs"))
            missing.Add("ip_vs");

        // In a namespace of its own, which goes with its only process: the kernel loads the module for the first such link.
        if (!await SucceedsAsync("unshare", ["--net", "ip", "link", "add", "trial", "type", "dummy"], cancel).ConfigureAwait(false))
            missing.Add("dummy");
        return missing;
    }

    private static async Task<bool> SucceedsAsync(string program, string[] arguments, CancellationToken cancel)
    {
        try
        {
            return (await Tool.TryRunAsync(program, arguments, null, cancel).ConfigureAwait(false)).ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
