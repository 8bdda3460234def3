using System.Text.RegularExpressions;
using Portolan.Linux.Links;

namespace Portolan.Speaker.Layer2;

/// <summary>Which interfaces carry ARP announcements: MetalLB's rule and its list of exclusions (ConfigMap <c>metallb-excludel2</c>).</summary>
internal sealed class InterfaceSelection(IReadOnlyList<Regex> excluded)
{
    /// <summary>Container and overlay plumbing, as MetalLB excludes it, and the lab's pod gateway.</summary>
    public static InterfaceSelection Default { get; } = new([.. new[]
    {
        "^docker.*", "^cbr.*", "^dummy.*", "^virbr.*", "^lxcbr.*", "^veth.*", "^lo$", "^cali.*", "^tunl.*", "^flannel.*", "^kube-ipvs.*", "^cni.*",
        "^nodelocaldns.*", "^lxc.*", "^pods0$",
    }.Select(pattern => new Regex(pattern, RegexOptions.CultureInvariant))]);

    /// <summary>
    /// Up, on Ethernet, resolving neighbours, and nobody's port: what a bridge or bond takes in is announced on the bridge or bond itself.
    /// </summary>
    public bool Accepts(Link link) =>
        link.Has(LinkFlags.Up)
        && (link.Flags & (LinkFlags.Loopback | LinkFlags.NoArp | LinkFlags.PointToPoint)) == 0
        && link.HardwareType == Link.Ethernet
        && link.Address.Length == 6
        && link.Master == 0
        && !excluded.Any(pattern => pattern.IsMatch(link.Name));
}
