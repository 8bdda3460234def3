using Portolan.Linux.Links;
using Portolan.Proxy.Ipvs;

namespace Portolan.Commands.Check;

/// <summary>What is looked at on a node: what each check is about, and what is wrong, with what to do; null: nothing.</summary>
internal static class NodeChecks
{
    private const string Forwarding = "net.ipv4.ip_forward";

    /// <param name="links">The node's links.</param>
    /// <param name="setting">A setting of the kernel by its name; null where there is none.</param>
    internal static IEnumerable<(string What, string? Problem)> Of(LinkSnapshot links, Func<string, int?> setting)
    {
        yield return (Forwarding, setting(Forwarding) is 0 ? $"is 0, so nothing is forwarded to pods; set it to 1" : null);
        yield return ("strict ARP", ArpProblem(links, setting));
    }

    /// <summary>A setting of this node.</summary>
    internal static int? ReadSetting(string name)
    {
        var file = "/proc/sys/" + name.Replace('.', '/');
        return File.Exists(file) && int.TryParse(File.ReadAllText(file), out var value) ? value : null;
    }

    private static string? ArpProblem(LinkSnapshot links, Func<string, int?> setting)
    {
        var loose = StrictArp.LooseInterfaces(links, (name, what) => setting($"net.ipv4.conf.{name.Replace('.', '/')}.{what}"));
        return loose.Count == 0
            ? null
            : $"this node answers ARP for every Service's address on {string.Join(", ", loose)}, whoever announces it: IPVS forwards, {ServiceLink.Name} has them all, and ARP is not strict; {StrictArp.Remedy}";
    }
}
