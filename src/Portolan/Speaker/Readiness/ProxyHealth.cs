using Portolan.Proxy.Programmed;

namespace Portolan.Speaker.Readiness;

/// <summary>Who tells about this node's service proxy.</summary>
internal enum ProxySource : byte
{
    /// <summary>Nobody: nothing is known of it.</summary>
    None,

    /// <summary>Portolan's proxy, by its socket.</summary>
    Socket,

    /// <summary>kube-proxy, or a proxy that answers as it does, by its health check.</summary>
    Healthz,
}

/// <summary>
/// Whether this node's service proxy works, from its socket or, where nobody listens there, from kube-proxy's health check. Pure: time is passed in,
/// as microseconds.
/// </summary>
/// <param name="startedAt">When this speaker began to look.</param>
internal sealed class ProxyHealth(long startedAt)
{
    /// <summary>
    /// A proxy that restarts or is upgraded takes no rule away, and is back in a second or two, or in a few where its pod is replaced: addresses must
    /// not move because of that. Microseconds.
    /// </summary>
    internal const long Patience = 10_000_000;

    /// <summary>On a node that boots proxy and speaker start together: who has seen neither waits so long before it concludes that there is none. Microseconds.</summary>
    internal const long FirstLook = 5_000_000;

    private ProxyConnection _connection;
    private bool? _healthz;
    private bool _wasSeen;
    private bool _wasWell;
    private long _lostAt;

    /// <summary>Who tells.</summary>
    public ProxySource Source =>
        _connection is not ProxyConnection.Absent ? ProxySource.Socket
        : _healthz is not null ? ProxySource.Healthz
        : ProxySource.None;

    /// <summary>The socket's state changed.</summary>
    public void On(ProxyConnection connection, long now) => Change(now, () =>
    {
        _connection = connection;
        // What it said before the proxy of the socket came is of the past.
        if (connection is not ProxyConnection.Absent)
            _healthz = null;
    });

    /// <summary>What the health check said: well or not; null: nobody answers.</summary>
    public void OnHealthz(bool? isWell, long now) => Change(now, () => _healthz = isWell);

    /// <summary>Whether the proxy must be believed to program nothing.</summary>
    public bool IsNotProgramming(long now)
    {
        if (IsWell)
            return false;
        // It worked: it may be restarting.
        if (_wasWell)
            return now >= EndOfDoubt;
        // It is there and has never been ready; or nobody knows yet whether there is one.
        return _wasSeen || now < EndOfDoubt;
    }

    /// <summary>When <see cref="IsNotProgramming"/> is another by time alone, or null.</summary>
    public long? Deadline(long now) => !IsWell && now < EndOfDoubt && (_wasWell || !_wasSeen) ? EndOfDoubt : null;

    private bool IsWell => _connection is ProxyConnection.Synced || (_connection is ProxyConnection.Absent && _healthz is true);

    private long EndOfDoubt => _wasWell ? _lostAt + Patience : startedAt + FirstLook;

    private void Change(long now, Action change)
    {
        var before = IsWell;
        change();
        _wasSeen |= _connection is not ProxyConnection.Absent || _healthz is not null;
        _wasWell |= IsWell;
        if (before && !IsWell)
            _lostAt = now;
    }
}
