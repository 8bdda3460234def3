using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>The prefixes that a peer has announced, kept only to hold it to a limit, and never more than that.</summary>
/// <param name="limit">0 or more.</param>
internal sealed class ReceivedPrefixes(int limit)
{
    private readonly HashSet<BgpPrefix> _prefixes = [];

    /// <summary>Takes what an UPDATE says.</summary>
    /// <returns>False when it goes beyond the limit.</returns>
    public bool Take(UpdateMessage update)
    {
        foreach (var (prefix, isAnnounced) in update.Prefixes)
        {
            if (!isAnnounced)
                _prefixes.Remove(prefix);
            else if (_prefixes.Count < limit)
                _prefixes.Add(prefix);
            else if (!_prefixes.Contains(prefix))
                return false;
        }

        return true;
    }

    /// <summary>Forgets them.</summary>
    public void Clear() => _prefixes.Clear();
}
