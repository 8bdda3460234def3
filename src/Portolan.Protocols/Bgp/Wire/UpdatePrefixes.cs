namespace Portolan.Protocols.Bgp.Wire;

/// <summary>A prefix in an UPDATE.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="IsAnnounced">Announced; otherwise withdrawn.</param>
public readonly record struct UpdatePrefix(BgpPrefix Prefix, bool IsAnnounced);

/// <summary>The prefixes of an UPDATE, for <c>foreach</c>: the withdrawn, then the announced.</summary>
public ref struct UpdatePrefixes
{
    private readonly UpdateMessage _update;
    private ReadOnlySpan<byte> _rest;
    private BgpFamily _family;
    private bool _isAnnounced;
    private int _field;

    internal UpdatePrefixes(UpdateMessage update)
    {
        _update = update;
        _rest = default;
        _field = -1;
        Current = default;
    }

    /// <summary>The present prefix.</summary>
    public UpdatePrefix Current { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly UpdatePrefixes GetEnumerator() => this;

    /// <summary>Goes on to the next prefix.</summary>
    public bool MoveNext()
    {
        while (_rest.IsEmpty)
        {
            if (++_field >= UpdateMessage.FieldCount)
                return false;
            _rest = _update.Field(_field, out _family, out _isAnnounced);
        }

        // The message would not have been read if one of them were wrong.
        if (!BgpPrefix.TryRead(_rest, _family, out var prefix))
            return false;
        Current = new UpdatePrefix(prefix, _isAnnounced);
        _rest = _rest[prefix.WireSize..];
        return true;
    }
}
