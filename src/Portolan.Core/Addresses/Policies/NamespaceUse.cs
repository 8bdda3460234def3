namespace Portolan.Core.Addresses.Policies;

/// <summary>How many addresses of each pool the Services of a namespace have, or have kept for them. One that several share counts once.</summary>
internal sealed class NamespaceUse(PoolSet pools)
{
    private readonly Dictionary<(string Namespace, IpAddress Address), int> _holdings = [];
    private readonly Dictionary<(string Namespace, string Pool), int> _counts = [];

    public bool Has(string ns, IpAddress address) => _holdings.ContainsKey((ns, address));

    /// <summary>How often: by how many Services.</summary>
    public int Times(string ns, IpAddress address) => _holdings.GetValueOrDefault((ns, address));

    public int Count(string ns, AddressPool pool) => _counts.GetValueOrDefault((ns, pool.Name));

    public void Add(string ns, IpAddress address)
    {
        var times = _holdings.GetValueOrDefault((ns, address)) + 1;
        _holdings[(ns, address)] = times;
        if (times == 1)
            Count(ns, address, 1);
    }

    public void Remove(string ns, IpAddress address)
    {
        var times = _holdings.GetValueOrDefault((ns, address)) - 1;
        if (times > 0)
        {
            _holdings[(ns, address)] = times;
            return;
        }

        if (_holdings.Remove((ns, address)))
            Count(ns, address, -1);
    }

    private void Count(string ns, IpAddress address, int change)
    {
        if (pools.Of(address) is { } pool)
            _counts[(ns, pool.Name)] = _counts.GetValueOrDefault((ns, pool.Name)) + change;
    }
}
