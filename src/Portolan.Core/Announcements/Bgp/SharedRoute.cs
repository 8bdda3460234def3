namespace Portolan.Core.Announcements.Bgp;

/// <summary>
/// A prefix and all Services that want it announced: sharers of an address, or those whose addresses one aggregate covers. They are only counted,
/// by what they want said, so that one of thousands costs no more than one of two.
/// </summary>
internal sealed class SharedRoute
{
    private int _owners;

    // By what they want, where that is not the same for all.
    private Dictionary<RouteAttributes, int>? _wants;

    /// <summary>What is said: the union of what they want.</summary>
    public RouteAttributes Effective { get; private set; } = RouteAttributes.None;

    /// <summary>One more wants it.</summary>
    public void Add(RouteAttributes attributes)
    {
        if (_wants is null && _owners == 0)
            Effective = attributes;
        if (_wants is null && Effective.Equals(attributes))
        {
            _owners++;
            return;
        }

        _wants ??= new Dictionary<RouteAttributes, int> { [Effective] = _owners };
        _wants[attributes] = _wants.GetValueOrDefault(attributes) + 1;
        Effective = Effective.Union(attributes);
    }

    /// <summary>One who wanted it no longer does.</summary>
    /// <returns>Whether anybody is left.</returns>
    public bool Remove(RouteAttributes attributes)
    {
        if (_wants is null)
            return --_owners > 0;
        if (--_wants[attributes] > 0)
            return true;
        _wants.Remove(attributes);
        Effective = _wants.Keys.Aggregate((one, other) => one.Union(other));
        if (_wants.Count == 1)
            (_owners, _wants) = (_wants[Effective], null);
        return true;
    }
}
