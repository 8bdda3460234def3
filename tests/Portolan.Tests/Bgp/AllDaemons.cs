using Portolan.Bgp;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>Everybody else's BGP at once, each in a namespace and on a wire of its own: what takes its time is waited for once.</summary>
internal sealed class AllDaemons : IDisposable
{
    /// <summary>Those there are.</summary>
    public static readonly IReadOnlyList<string> Everybody = ["bird", "frr", "gobgp", "exabgp", "openbgpd"];

    private readonly bool _ipv6;
    private readonly Dictionary<string, NetworkNamespace> _places = [];
    private readonly Dictionary<string, ForeignSpeaker> _speakers = [];

    /// <param name="change">How they speak with us beyond what is usual.</param>
    /// <param name="ipv6">Over IPv6.</param>
    /// <param name="isInternal">In our AS.</param>
    /// <param name="names">Some of <see cref="Everybody"/>; none: all.</param>
    public AllDaemons(Func<Peering, Peering>? change = null, bool ipv6 = false, bool isInternal = false, params IReadOnlyList<string> names)
    {
        NetworkNamespace.SkipUnlessRoot();
        (_ipv6, Names) = (ipv6, names.Count > 0 ? names : Everybody);
        Us = new NetworkNamespace("bgp-us");
        try
        {
            foreach (var name in Names)
            {
                var where = new NetworkNamespace($"bgp-{name}");
                _places.Add(name, where);
                Us.Wire($"to-{name}", where, "eth0");
                foreach (var (side, link, own) in ((NetworkNamespace, string, int)[])[(Us, $"to-{name}", 100), (where, "eth0", 101)])
                {
                    side.Link($"addr add {Address(name, own, false)}/24 dev {link}");
                    side.Link($"addr add {Address(name, own, true)}/64 dev {link} nodad");
                }

                var peering = new Peering(AddressOf(name), Address(name, 100, ipv6), isInternal ? BgpWire.OurAsn : BgpWire.TheirAsn, BgpWire.OurAsn);
                _speakers.Add(name, ForeignSpeaker.Create(name, where, change?.Invoke(peering) ?? peering));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Who takes part.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Our own side.</summary>
    public NetworkNamespace Us { get; }

    public ForeignSpeaker this[string name] => _speakers[name];

    /// <summary>Where one of them is.</summary>
    public NetworkNamespace Place(string name) => _places[name];

    /// <summary>Its address.</summary>
    public string AddressOf(string name) => Address(name, 101, _ipv6);

    public void Start()
    {
        foreach (var speaker in _speakers.Values)
            speaker.Start();
    }

    /// <summary>How we speak with them, each by its own name.</summary>
    public NeighborSettings[] Neighbors(Func<PeerSettings, PeerSettings>? change = null, string password = "") =>
        [.. Names.Select(name => BgpWire.Neighbor(AddressOf(name), name, change) with { Password = password })];

    /// <summary>Waits until each has had so many sessions, and has one now with everything sent; who pauses is urged on.</summary>
    public void AwaitUp(BgpSide us, int times = 1) => Each((name, speaker) =>
    {
        var urged = Environment.TickCount64;
        us.Await(name, status =>
        {
            if (Environment.TickCount64 - urged > 500)
            {
                speaker.TryAgain();
                urged = Environment.TickCount64;
            }

            return status is { State: SessionState.Established, IsSynchronized: true } && status.Counts.Established >= times;
        });
    });

    /// <summary>Does something with each: the first has waited for the longest.</summary>
    public void Each(Action<string, ForeignSpeaker> what)
    {
        foreach (var name in Names)
            what(name, _speakers[name]);
    }

    public void Dispose()
    {
        foreach (var speaker in _speakers.Values)
            speaker.Dispose();
        foreach (var place in _places.Values)
            place.Dispose();
        Us.Dispose();
    }

    private static string Address(string name, int own, bool ipv6)
    {
        var wire = Everybody.ToList().IndexOf(name) + 1;
        return ipv6 ? $"fd07:{wire}::{own}" : $"10.7.{wire}.{own}";
    }
}
