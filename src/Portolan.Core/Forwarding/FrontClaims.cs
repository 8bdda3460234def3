using System.Runtime.InteropServices;

namespace Portolan.Core.Forwarding;

/// <summary>A Service port wants a front.</summary>
/// <param name="Service">Whose port.</param>
/// <param name="Port">Which of its plans.</param>
/// <param name="IsClusterIP">It cannot be taken over by another Service's externalIPs or status.</param>
internal readonly record struct FrontClaim(ForwardedService Service, int Port, bool IsClusterIP) : IComparable<FrontClaim>
{
    /// <summary>The lowest claim wins: a ClusterIP's, the older Service's, and where nothing else decides the order of the ports.</summary>
    public int CompareTo(FrontClaim other)
    {
        if (IsClusterIP != other.IsClusterIP)
            return IsClusterIP ? -1 : 1;
        return Service.CreatedAt.CompareTo(other.Service.CreatedAt) is not 0 and var byAge ? byAge : Service.Plans[Port].Key.CompareTo(other.Service.Plans[other.Port].Key);
    }

    internal bool IsOf(ForwardedService service, int port) => ReferenceEquals(Service, service) && Port == port;
}

/// <summary>Who owns each front. Two Services may name the same address and port; what then holds must not depend on who came first to us.</summary>
internal sealed class FrontClaims
{
    private readonly Dictionary<Front, FrontClaim> _owners = [];
    private readonly Dictionary<Front, List<FrontClaim>> _waiting = [];

    /// <summary>So many more are about to come.</summary>
    internal void Expect(int fronts)
    {
        // A few more than there is room for come again and again: then it grows by itself, which doubles it.
        if (fronts > _owners.Count)
            _owners.EnsureCapacity(_owners.Count + fronts);
    }

    internal bool IsOwner(in Front front, ForwardedService service, int port) => _owners.TryGetValue(front, out var owner) && owner.IsOf(service, port);

    /// <returns>The Service that goes without the front because of this claim: this one, another, or none.</returns>
    internal ForwardedService? Claim(in Front front, FrontClaim claim)
    {
        ref var owner = ref CollectionsMarshal.GetValueRefOrAddDefault(_owners, front, out var isOwned);
        if (!isOwned)
        {
            owner = claim;
            return null;
        }

        var loser = claim;
        if (claim.CompareTo(owner) < 0)
            (owner, loser) = (claim, owner);
        if (!_waiting.TryGetValue(front, out var waiting))
            _waiting[front] = waiting = [];
        waiting.Add(loser);
        return loser.Service;
    }

    /// <returns>The Service that gets the front instead, or null.</returns>
    internal ForwardedService? Release(in Front front, ForwardedService service, int port)
    {
        if (!_waiting.TryGetValue(front, out var waiting))
        {
            _owners.Remove(front);
            return null;
        }

        ForwardedService? heir = null;
        if (_owners[front].IsOf(service, port))
        {
            var next = waiting.Min();
            waiting.Remove(next);
            _owners[front] = next;
            heir = next.Service;
        }
        else
        {
            waiting.RemoveAll(claim => claim.IsOf(service, port));
        }

        if (waiting.Count == 0)
            _waiting.Remove(front);
        return heir;
    }
}
