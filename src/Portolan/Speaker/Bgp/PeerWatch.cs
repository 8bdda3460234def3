using System.Net;
using Portolan.Bfd;
using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Bgp.Wire;
using Portolan.Speaker.Liveness;

namespace Portolan.Speaker.Bgp;

/// <summary>
/// The BFD sessions with BGP peers that have a BFDProfile: begun when a BGP session first tells both its ends, and kept whatever becomes of that, so that the
/// next one need not begin slowly. One that was up and is lost ends the BGP session. The speaker's loop only.
/// </summary>
/// <param name="holder">Holds them.</param>
/// <param name="reset">Ends a peer's BGP session, by the peer's name.</param>
internal sealed class PeerWatch(ISessionHolder holder, Action<string, BgpError> reset)
{
    private readonly Dictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private Dictionary<string, Portolan.Bgp.NeighborSettings> _peers = new(StringComparer.Ordinal);

    private sealed record Watched(SessionName Name, Liveness.NeighborSettings Settings);

    /// <summary>The peers from now on.</summary>
    public void SetPeers(IEnumerable<Portolan.Bgp.NeighborSettings> peers)
    {
        _peers = peers.ToDictionary(peer => peer.Name, StringComparer.Ordinal);
        var changed = false;
        foreach (var (title, watched) in _watched.ToList())
        {
            var profile = _peers.GetValueOrDefault(NameOf(title))?.Bfd;
            if (profile is null)
                changed |= _watched.Remove(title);
            else if (Liveness.NeighborSettings.Of(profile, watched.Settings.Vrf) is var settings && settings != watched.Settings)
                (_watched[title], changed) = (watched with { Settings = settings }, true);
        }

        if (changed)
            Want();
    }

    /// <summary>How the peers are.</summary>
    public void Show(IReadOnlyList<NeighborStatus> neighbors)
    {
        var changed = false;
        foreach (var neighbor in neighbors)
        {
            if (neighbor is not { LocalAddress: { } local, Address: { } address, Terms: { } terms } || _peers.GetValueOrDefault(NameOf(neighbor.Name)) is not { Bfd: { } profile } peer)
                continue;
            var name = new SessionName(Value(local), Value(address), peer.Vrf.Length > 0 ? peer.Vrf : address.IsIPv6LinkLocal ? peer.Interface : "", peer.IsMultihop || terms.IsInternal);
            var watched = new Watched(name, Liveness.NeighborSettings.Of(profile, peer.Vrf.Length > 0 ? peer.Vrf : "default"));
            if (watched.Equals(_watched.GetValueOrDefault(neighbor.Name)))
                continue;
            (_watched[neighbor.Name], changed) = (watched, true);
        }

        // Peers that connected from a range and are gone.
        foreach (var gone in _watched.Keys.Where(title => title != NameOf(title) && neighbors.All(neighbor => neighbor.Name != title)).ToList())
            changed |= _watched.Remove(gone);
        if (changed)
            Want();
    }

    /// <summary>A session changed. What the other side took down on purpose says nothing of the path (RFC 5882 §4.2).</summary>
    public void On(BfdTransition<SessionName> transition)
    {
        if (transition.From is not BfdState.Up || transition.State is BfdState.Up or BfdState.AdminDown || transition.RemoteState is BfdState.AdminDown)
            return;
        foreach (var (title, watched) in _watched)
            if (watched.Name == transition.Peer)
                reset(title, new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.BfdDown, default, $"BFD is down ({transition.Diagnostic})"));
    }

    private void Want() => holder.SetNeighbors(_watched.Values.DistinctBy(watched => watched.Name).ToDictionary(watched => watched.Name, watched => watched.Settings), planned: true);

    private static string NameOf(string title) => title.Split('/')[0];

    private static IpAddress Value(IPAddress address) => IpAddress.Read(address.GetAddressBytes());
}
