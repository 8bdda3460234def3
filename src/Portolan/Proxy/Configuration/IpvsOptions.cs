using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>The section <c>ipvs</c>.</summary>
internal sealed record IpvsOptions
{
    /// <summary>Connections to one real server after the other.</summary>
    internal const string DefaultScheduler = "rr";

    /// <summary><c>scheduler</c>: of Services that ask for none.</summary>
    internal string Scheduler { get; init; } = DefaultScheduler;

    /// <summary><c>excludeCIDRs</c>: virtual servers there are somebody else's.</summary>
    internal IReadOnlyList<IpPrefix> ExcludeCidrs { get; init; } = [];

    /// <summary><c>strictARP</c>.</summary>
    internal bool StrictArp { get; init; }

    /// <summary><c>tcpTimeout</c>; 0: as the kernel has it.</summary>
    internal TimeSpan TcpTimeout { get; init; }

    /// <summary><c>tcpFinTimeout</c>; 0: as the kernel has it.</summary>
    internal TimeSpan TcpFinTimeout { get; init; }

    /// <summary><c>udpTimeout</c>; 0: as the kernel has it.</summary>
    internal TimeSpan UdpTimeout { get; init; }
}
