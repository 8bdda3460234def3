using System.Text.RegularExpressions;
using Portolan.Linux.Links;

namespace Portolan.Speaker.Layer2;

/// <summary>Which interfaces carry announcements: MetalLB's rule and its list of exclusions (<see cref="InterfaceExclusions"/>).</summary>
internal sealed class InterfaceSelection(IReadOnlyList<Regex> excluded)
{
    // Container and overlay plumbing, as MetalLB excludes it, and the lab's pod gateway.
    private static readonly IReadOnlyList<Regex> Usual = [.. new[]
    {
        "^docker.*", "^cbr.*", "^dummy.*", "^virbr.*", "^lxcbr.*", "^veth.*", "^lo$", "^cali.*", "^tunl.*", "^flannel.*", "^kube-ipvs.*", "^cni.*",
        "^nodelocaldns.*", "^lxc.*", "^pods0$",
    }.Select(pattern => new Regex(pattern, RegexOptions.CultureInvariant))];

    private IReadOnlyList<Regex> _excluded = excluded;

    /// <summary>With the exclusions that hold as long as nobody gives others.</summary>
    public static InterfaceSelection Default => new(Usual);

    /// <summary>Excludes these instead; null: as by default.</summary>
    public void Exclude(IReadOnlyList<Regex>? patterns) => _excluded = patterns ?? Usual;

    /// <summary>
    /// Up, on Ethernet, resolving neighbours, and nobody's port: what a bridge or bond takes in is announced on the bridge or bond itself.
    /// </summary>
    public bool Accepts(Link link) =>
        link.Has(LinkFlags.Up)
        && (link.Flags & (LinkFlags.Loopback | LinkFlags.NoArp | LinkFlags.PointToPoint)) == 0
        && link.HardwareType == Link.Ethernet
        && link.Address.Length == 6
        && link.Master == 0
        && !_excluded.Any(pattern => pattern.IsMatch(link.Name));
}
