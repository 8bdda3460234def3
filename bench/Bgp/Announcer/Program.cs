using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bench.Bgp;

/// <summary>
/// The BGP loop of the speaker as an announcer by itself, in the role that <c>run.py</c> gives announcers: AS 65001 at 10.77.0.1, waiting for peers of AS 65002 from
/// 10.77.0.11 on, with so many host routes from 10.100.0.0 or fd00:77:: on.
/// </summary>
internal static class Announcer
{
    private const uint Own = 10u << 24 | 77u << 16 | 1;
    private const uint FirstPeer = Own + 10;
    private const uint FirstRoute = 10u << 24 | 100u << 16;
    private static readonly UInt128 FirstRoute6 = (UInt128)0xfd00_0077_0000_0000 << 64;

    /// <summary>Announces until it is killed.</summary>
    /// <param name="arguments">Routes, peers, and 6 for IPv6.</param>
    public static int Run(string[] arguments)
    {
        var (routes, peers, isIPv6) = (Number(arguments[0]), Number(arguments[1]), arguments.ElementAtOrDefault(2) == "6");
        var family = isIPv6 ? BgpFamily.IPv6Unicast : BgpFamily.IPv4Unicast;
        using var loop = new BgpLoop(BgpLoop.DefaultPort, _ => { }, TimeProvider.System, NullLogger.Instance);
        loop.SetNeighbors(
            [
                .. Enumerable.Range(0, peers).Select(i => (
                    new NeighborSettings
                    {
                        Name = $"peer{i}",
                        Address = IpAddress.Of(IpFamily.IPv4, FirstPeer + (uint)i),
                        Source = IpAddress.Of(IpFamily.IPv4, Own),
                        Session = new PeerSettings
                        {
                            LocalAsn = 65001,
                            PeerAsn = 65002,
                            Identifier = Own,
                            IsPassive = true,
                            Families = isIPv6 ? BgpFamilies.IPv6Unicast : BgpFamilies.IPv4Unicast,
                        },
                    },
                    "all")),
            ],
            ["all"]);
        loop.Change("all", [.. Enumerable.Range(0, routes).Select(i => (
            new BgpPrefix(family, isIPv6 ? FirstRoute6 + (uint)i : FirstRoute + (uint)i, BgpPrefix.Width(family)), (PathAttributes?)PathAttributes.Default))]);
        loop.AreReady();
        loop.Run();
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
