namespace Portolan.Proxy.Configuration;

/// <summary>The section <c>conntrack</c>. 0 leaves alone what the kernel has.</summary>
internal sealed record ConntrackOptions
{
    /// <summary><c>maxPerCore</c>: tracked connections for each processor; with 0 <see cref="Min"/> is not looked at either.</summary>
    internal int MaxPerCore { get; init; } = 32_768;

    /// <summary><c>min</c>: tracked connections at least.</summary>
    internal int Min { get; init; } = 131_072;

    /// <summary><c>tcpEstablishedTimeout</c>.</summary>
    internal TimeSpan TcpEstablishedTimeout { get; init; } = TimeSpan.FromHours(24);

    /// <summary><c>tcpCloseWaitTimeout</c>.</summary>
    internal TimeSpan TcpCloseWaitTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary><c>tcpBeLiberal</c>: packets outside the window are not invalid. Off leaves alone what the kernel has.</summary>
    internal bool TcpBeLiberal { get; init; }

    /// <summary><c>udpTimeout</c>: of flows that were not answered.</summary>
    internal TimeSpan UdpTimeout { get; init; }

    /// <summary><c>udpStreamTimeout</c>: of flows in both directions.</summary>
    internal TimeSpan UdpStreamTimeout { get; init; }
}
