namespace Portolan.Core.Forwarding;

/// <summary>A Service port wants a front.</summary>
/// <param name="Kind">A ClusterIP cannot be taken over by another Service's externalIPs or status.</param>
/// <param name="CreatedAt">The older Service wins.</param>
/// <param name="Port">Decides where nothing else does.</param>
internal readonly record struct FrontClaim(FrontKind Kind, long CreatedAt, ServicePortKey Port) : IComparable<FrontClaim>
{
    /// <summary>The lowest claim wins.</summary>
    public int CompareTo(FrontClaim other)
    {
        if ((Kind is FrontKind.ClusterIP) != (other.Kind is FrontKind.ClusterIP))
            return Kind is FrontKind.ClusterIP ? -1 : 1;
        return CreatedAt.CompareTo(other.CreatedAt) is not 0 and var byAge ? byAge : Port.CompareTo(other.Port);
    }
}

/// <summary>Who owns each front. Two Services may name the same address and port; what then holds must not depend on who came first to us.</summary>
internal sealed class FrontClaims
{
    private readonly Dictionary<Front, FrontClaim> _owners = [];
    private readonly Dictionary<Front, List<FrontClaim>> _waiting = [];

    internal ServicePortKey? Owner(Front front) => _owners.TryGetValue(front, out var owner) ? owner.Port : null;

    internal void Claim(Front front, FrontClaim claim, HashSet<ServicePortKey> changed)
    {
        if (_owners.TryAdd(front, claim))
            return;
        var owner = _owners[front];
        if (!_waiting.TryGetValue(front, out var waiting))
            _waiting[front] = waiting = [];
        if (claim.CompareTo(owner) < 0)
        {
            _owners[front] = claim;
            waiting.Add(owner);
            changed.Add(owner.Port);
        }
        else
        {
            waiting.Add(claim);
        }
    }

    internal void Release(Front front, ServicePortKey port, HashSet<ServicePortKey> changed)
    {
        _waiting.TryGetValue(front, out var waiting);
        if (_owners[front].Port != port)
        {
            waiting!.RemoveAll(claim => claim.Port == port);
        }
        else if (waiting is { Count: > 0 })
        {
            var next = waiting.Min();
            waiting.Remove(next);
            _owners[front] = next;
            changed.Add(next.Port);
        }
        else
        {
            _owners.Remove(front);
        }

        if (waiting is { Count: 0 })
            _waiting.Remove(front);
    }
}
