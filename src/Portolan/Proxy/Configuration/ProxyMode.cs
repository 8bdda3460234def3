namespace Portolan.Proxy.Configuration;

/// <summary>
/// Which of kube-proxy's modes was asked for. But for <see cref="Ipvs"/> packets are forwarded by nftables; the mode decides at which addresses node ports
/// answer where nothing is said about that.
/// </summary>
internal enum ProxyMode
{
    /// <summary>Node ports at the node's primary addresses.</summary>
    Nftables,

    /// <summary>Node ports at every address of the node, 127.0.0.1 among them.</summary>
    Iptables,

    /// <summary>By IPVS; node ports at every address of the node but loopback ones.</summary>
    Ipvs,
}
