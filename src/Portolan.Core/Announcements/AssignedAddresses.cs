using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>
/// Which addresses were given to a Service just now, and have been announced by nobody since: only these are probed. An address that moves from
/// node to node is known to be ours, and an announcer that starts cannot tell. All speakers see the same changes, so that the elected one probes
/// and the others take note of it. Not thread safe.
/// </summary>
public sealed class AssignedAddresses
{
    private readonly Dictionary<ObjectKey, IReadOnlyList<IpAddress>> _addresses = [];
    private readonly Dictionary<IpAddress, int> _holders = [];
    private readonly HashSet<IpAddress> _fresh = [];

    /// <summary>The addresses that a Service has.</summary>
    public IReadOnlyList<IpAddress> Of(ObjectKey service) => _addresses.GetValueOrDefault(service) ?? [];

    /// <summary>A Service has these addresses now.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="addresses">As its status lists them; none when it is gone.</param>
    /// <param name="isNews">False while what has long been is being listed.</param>
    public void Set(ObjectKey service, IReadOnlyList<IpAddress> addresses, bool isNews)
    {
        var before = Of(service);
        if (addresses.Count == 0)
            _addresses.Remove(service);
        else
            _addresses[service] = addresses;
        foreach (var address in addresses.Except(before))
        {
            var holders = _holders.GetValueOrDefault(address);
            _holders[address] = holders + 1;
            // Who joins others at their address gets nothing that was not announced before.
            if (holders == 0 && isNews)
                _fresh.Add(address);
        }

        foreach (var address in before.Except(addresses))
        {
            if (--_holders[address] > 0)
                continue;
            _holders.Remove(address);
            _fresh.Remove(address);
        }
    }

    /// <summary>Somebody begins to announce the address.</summary>
    /// <returns>Whether it is for the first time.</returns>
    public bool Announced(IpAddress address) => _fresh.Remove(address);
}
