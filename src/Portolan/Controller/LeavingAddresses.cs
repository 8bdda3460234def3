using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Controller;

/// <summary>
/// Addresses that the status of some Service still shows, or may show, although they were taken from it. Nobody's status says that it has one of
/// them before that: else a controller that died between the two writes would find one address with two Services, and could not tell whose it is;
/// and until then speakers would announce it for both.
/// </summary>
internal sealed class LeavingAddresses
{
    private readonly Dictionary<IpAddress, Leaving> _leaving = [];

    /// <summary>A Service leaves these addresses now; before, it left others.</summary>
    /// <returns>Those who waited for an address that nobody leaves any more.</returns>
    public IReadOnlyList<ObjectKey> Change(IReadOnlyList<IpAddress> before, IReadOnlyList<IpAddress> now)
    {
        foreach (var address in now)
        {
            if (!_leaving.TryGetValue(address, out var leaving))
                _leaving[address] = leaving = new Leaving();
            leaving.Services++;
        }

        List<ObjectKey>? free = null;
        foreach (var address in before)
            if (--_leaving[address].Services == 0 && _leaving.Remove(address, out var left))
                (free ??= []).AddRange(left.Waiting);
        return free ?? (IReadOnlyList<ObjectKey>)[];
    }

    /// <summary>Whether the Service must wait for one of the addresses; then it is told by <see cref="Change"/> when it need not any more.</summary>
    public bool MustWait(ObjectKey service, IReadOnlyList<IpAddress> addresses)
    {
        if (_leaving.Count > 0)
            foreach (var address in addresses)
                if (_leaving.TryGetValue(address, out var leaving))
                {
                    leaving.Waiting.Add(service);
                    return true;
                }

        return false;
    }

    private sealed class Leaving
    {
        public int Services { get; set; }

        public HashSet<ObjectKey> Waiting { get; } = [];
    }
}
