using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>
/// Who holds one address. There are several only where each has asked for <see cref="Refusal"/> of the others: all of them name the same
/// key and backend, and no port is used twice. So one of them answers for all, and a port is looked up instead of searched.
/// </summary>
internal sealed class AddressHolders
{
    private ObjectKey _first;
    private SharingTerms _terms;

    // Most addresses have one holder: the rest is made for the second.
    private List<(ObjectKey Service, SharingTerms Terms)>? _others;
    private Dictionary<(Protocol Protocol, ushort Port), ObjectKey>? _ports;

    public AddressHolders(ObjectKey service, SharingTerms terms) => (_first, _terms) = (service, terms);

    public int Count { get; private set; } = 1;

    /// <summary>Those of one holder, whose key and backend are everyone's.</summary>
    public SharingTerms Terms => _terms;

    /// <summary>Why a Service may not hold the address beside the others, or null. Its own holding does not count.</summary>
    public string? Refusal(ObjectKey service, SharingTerms terms)
    {
        if (Other(service) is not { } other)
            return null;
        if (_ports is null || terms.Key.Length == 0 || terms.Key != other.Terms.Key || terms.Backend != other.Terms.Backend)
            return terms.Refusal(other.Service, other.Terms);
        foreach (var port in terms.Ports)
            if (_ports.TryGetValue(port, out var user) && user != service)
                return SharingTerms.PortRefusal(user, port);
        return null;
    }

    public bool Admit(ObjectKey service, SharingTerms terms)
    {
        if (_ports is null)
            return Refusal(service, terms) is null;
        foreach (var port in terms.Ports)
            if (_ports.TryGetValue(port, out var user) && user != service)
                return false;
        return Refusal(service, terms) is null;
    }

    public void Add(ObjectKey service, SharingTerms terms)
    {
        if (_ports is null)
        {
            (_others, _ports) = ([], []);
            foreach (var port in _terms.Ports)
                _ports[port] = _first;
        }

        _others!.Add((service, terms));
        foreach (var port in terms.Ports)
            _ports[port] = service;
        Count++;
    }

    /// <returns>The terms on which the Service held it.</returns>
    public SharingTerms Remove(ObjectKey service)
    {
        var terms = _terms;
        if (service == _first && _others is [var second, ..])
        {
            (_first, _terms) = second;
            _others.RemoveAt(0);
        }
        else if (service != _first)
        {
            var index = _others!.FindIndex(holding => holding.Service == service);
            terms = _others[index].Terms;
            _others.RemoveAt(index);
        }

        foreach (var port in _ports is null ? [] : terms.Ports)
            _ports!.Remove(port);
        Count--;
        return terms;
    }

    private (ObjectKey Service, SharingTerms Terms)? Other(ObjectKey service) =>
        _first != service ? (_first, _terms) : _others is [var second, ..] ? second : null;
}
