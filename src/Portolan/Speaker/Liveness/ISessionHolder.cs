using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>Whoever holds the sessions between speakers: this process (<see cref="BfdEndpoint"/>), or the one beside it (<see cref="BfdClient"/>).</summary>
internal interface ISessionHolder
{
    /// <summary>What is counted where the sessions are held.</summary>
    LoopFigures Figures { get; }

    /// <summary>The peers to hold sessions with from now on.</summary>
    void SetPeers(IReadOnlyCollection<IpAddress> peers);

    /// <summary>The key from now on; null: none.</summary>
    void UseKey(BfdKey? key);

    /// <summary>Holds the sessions until cancelled, with a goodbye to every peer in the end.</summary>
    /// <param name="local">This node's address.</param>
    /// <param name="started">Called once peers can be heard.</param>
    /// <param name="stop">Cancelled in the end.</param>
    Task RunAsync(IpAddress local, Action started, CancellationToken stop);
}
