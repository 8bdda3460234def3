namespace Portolan.Proxy.Programmed;

/// <summary>How far a reader of the proxy's socket has got.</summary>
internal enum ProxyConnection : byte
{
    /// <summary>Nobody listens there.</summary>
    Absent,

    /// <summary>The proxy is there and has not told everything yet.</summary>
    Connected,

    /// <summary>It told which Services are programmed, and tells each change.</summary>
    Synced,
}
