using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>
/// Since when the endpoints of a Service with a slow start are ready. Those that are ready when we first look are not new, as after a
/// restart of the proxy; one that was not ready for a while is new again. A new one gets a tenth of its weight at first, all of it in the end.
/// </summary>
internal sealed class SlowStart
{
    /// <summary>A full weight, in tenths.</summary>
    internal const int Full = 10;

    private readonly Dictionary<IpAddress, TimeSpan?> _readySince = [];
    private bool _hasLooked;

    /// <summary>The share of its weight an endpoint of this age has: 1..<see cref="Full"/> tenths.</summary>
    internal static int Tenths(TimeSpan age, TimeSpan window) =>
        age >= window ? Full : 1 + (int)((Full - 1) * Math.Max(0, age.Ticks) / window.Ticks);

    /// <summary>Notes who is ready now.</summary>
    /// <param name="slices">The Service's.</param>
    /// <param name="now">Time since any fixed moment.</param>
    internal void Look(IReadOnlyList<EndpointSliceFacts> slices, TimeSpan now)
    {
        var ready = new HashSet<IpAddress>();
        foreach (var slice in slices)
        {
            foreach (var endpoint in slice.Endpoints)
            {
                if (endpoint.Ready && ready.Add(endpoint.Address))
                    _readySince.TryAdd(endpoint.Address, _hasLooked ? now : null);
            }
        }

        if (ready.Count < _readySince.Count)
        {
            foreach (var address in _readySince.Keys)
            {
                if (!ready.Contains(address))
                    _readySince.Remove(address);
            }
        }

        _hasLooked = true;
    }

    /// <summary>How long those have been ready that do not have their full weight yet.</summary>
    internal Dictionary<IpAddress, TimeSpan> Ages(TimeSpan window, TimeSpan now)
    {
        var ages = new Dictionary<IpAddress, TimeSpan>();
        foreach (var (address, since) in _readySince)
        {
            if (since is { } start && now - start < window)
                ages[address] = now - start;
        }

        return ages;
    }

    /// <summary>How long until a share grows; null where all are full.</summary>
    internal static TimeSpan? UntilNextStep(Dictionary<IpAddress, TimeSpan> ages, TimeSpan window)
    {
        TimeSpan? soonest = null;
        foreach (var age in ages.Values)
        {
            // Rounded up, so that at the step the share has grown.
            var step = new TimeSpan(((Tenths(age, window) * window.Ticks) + Full - 2) / (Full - 1)) - age;
            soonest = soonest is { } other && other < step ? other : step;
        }

        return soonest;
    }
}
