using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

// The BGP loop of the speaker as an announcer by itself, in the role that run.py gives announcers: AS 65001 at 10.77.0.1, peers of AS 65002 from 10.77.0.11 on,
// so many host routes from 10.100.0.0 or fd00:77:: on. It announces until it is killed; each number on standard input is one more route.
// announcer ROUTES PEERS active|passive [6]
const uint Own = 10u << 24 | 77u << 16 | 1;
const uint FirstPeer = Own + 10;
const uint FirstRoute = 10u << 24 | 100u << 16;
var firstRoute6 = (UInt128)0xfd00_0077_0000_0000 << 64;

var (routes, peers, isPassive) = (Number(args[0]), Number(args[1]), args[2] == "passive");
var family = args.ElementAtOrDefault(3) == "6" ? BgpFamily.IPv6Unicast : BgpFamily.IPv4Unicast;
using var loop = new BgpLoop(BgpLoop.DefaultPort, _ => { }, TimeProvider.System, NullLogger.Instance);
loop.SetNeighbors([.. Enumerable.Range(0, peers).Select(peer => (Neighbor(peer), "all"))], ["all"]);
loop.Change("all", [.. Enumerable.Range(0, routes).Select(Route)]);
loop.AreReady();
var input = new Thread(() =>
{
    while (Console.ReadLine() is { } line)
        loop.Change("all", [Route(Number(line))]);
}) { IsBackground = true };
input.Start();
loop.Run();

NeighborSettings Neighbor(int peer) => new()
{
    Name = $"peer{peer}",
    Address = IpAddress.Of(IpFamily.IPv4, FirstPeer + (uint)peer),
    Source = IpAddress.Of(IpFamily.IPv4, Own),
    Session = new PeerSettings
    {
        LocalAsn = 65001,
        PeerAsn = 65002,
        Identifier = Own,
        IsPassive = isPassive,
        Families = family is BgpFamily.IPv6Unicast ? BgpFamilies.IPv6Unicast : BgpFamilies.IPv4Unicast,
    },
};

(BgpPrefix, PathAttributes?) Route(int number) => (
    new BgpPrefix(family, (family is BgpFamily.IPv6Unicast ? firstRoute6 : FirstRoute) + (uint)number, BgpPrefix.Width(family)), PathAttributes.Default);

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
