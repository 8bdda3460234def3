using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses.Policies;

/// <summary>The reservations in force: by address, by Service, by end.</summary>
internal sealed class ReservationBook
{
    private readonly Dictionary<string, AddressReservation> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<IpAddress, List<AddressReservation>> _byAddress = [];
    private readonly Dictionary<ObjectKey, List<AddressReservation>> _byService = [];
    private readonly SortedSet<(long End, string Name)> _ends = [];

    // Records of Services that hold what is recorded: these keep nobody away, sharing it is between those who hold it.
    private readonly HashSet<string> _inUse = new(StringComparer.Ordinal);

    public bool IsEmpty => _byName.Count == 0;

    public IEnumerable<AddressReservation> All => _byName.Values;

    /// <summary>When the next one is over, seconds since 1970; null when none ends.</summary>
    public long? NextEnd => _ends.Count > 0 ? _ends.Min.End : null;

    public AddressReservation? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>What is reserved for the Service: first by hand, then by the controller.</summary>
    public IReadOnlyList<AddressReservation> Of(ObjectKey service) => _byService.TryGetValue(service, out var own) ? own : [];

    public bool Reserves(IpAddress address) => _byAddress.ContainsKey(address);

    /// <summary>
    /// Why the Service may not be given the address, or null. What was written by hand counts first; a record of the controller's own keeps
    /// others away from what a Service had, but not that Service.
    /// </summary>
    public string? Refusal(ObjectKey service, IpAddress address)
    {
        if (!_byAddress.TryGetValue(address, out var reservations))
            return null;
        AddressReservation? first = null;
        foreach (var reservation in reservations)
        {
            if (_inUse.Contains(reservation.Name))
                continue;
            first ??= reservation;
            if (reservation.IsManaged == first.IsManaged && reservation.Service == service)
                return null;
        }

        return first is null ? null : $"{address} {first}";
    }

    /// <summary>The Service of the record holds what is recorded.</summary>
    public void Use(string name) => _inUse.Add(name);

    public bool IsUsed(string name) => _inUse.Contains(name);

    /// <returns>The version that it replaces.</returns>
    public AddressReservation? Put(AddressReservation reservation)
    {
        var old = Remove(reservation.Name);
        _byName[reservation.Name] = reservation;
        foreach (var address in reservation.Addresses)
            Insert(_byAddress.TryGetValue(address, out var others) ? others : _byAddress[address] = [], reservation);
        if (reservation.Service is { } service)
            Insert(_byService.TryGetValue(service, out var own) ? own : _byService[service] = [], reservation);
        if (reservation.ExpiresAt is { } end)
            _ends.Add((end, reservation.Name));
        return old;
    }

    public AddressReservation? Remove(string name)
    {
        if (!_byName.Remove(name, out var old))
            return null;
        _inUse.Remove(name);
        foreach (var address in old.Addresses)
            if (_byAddress.TryGetValue(address, out var others) && others.Remove(old) && others.Count == 0)
                _byAddress.Remove(address);
        if (old.Service is { } service && _byService.TryGetValue(service, out var own) && own.Remove(old) && own.Count == 0)
            _byService.Remove(service);
        if (old.ExpiresAt is { } end)
            _ends.Remove((end, name));
        return old;
    }

    /// <summary>Those that are over.</summary>
    public IReadOnlyList<AddressReservation> Ended(long now) => [.. _ends.TakeWhile(entry => entry.End <= now).Select(entry => _byName[entry.Name])];

    // By hand before the controller's, then by name.
    private static void Insert(List<AddressReservation> list, AddressReservation reservation)
    {
        var at = list.FindIndex(other => (other.IsManaged, string.CompareOrdinal(other.Name, reservation.Name)).CompareTo((reservation.IsManaged, 0)) > 0);
        list.Insert(at < 0 ? list.Count : at, reservation);
    }
}
