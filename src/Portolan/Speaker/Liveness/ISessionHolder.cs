using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Whoever holds the sessions, between speakers and with neighbours: this process (<see cref="BfdEndpoint"/>), or the one beside it (<see cref="BfdClient"/>).
/// </summary>
internal interface ISessionHolder
{
    /// <summary>What is counted where the sessions are held.</summary>
    LoopFigures Figures { get; }

    /// <summary>How it is with the sessions with neighbours, as last told: states at once, the rest some seconds old. AdminDown while nobody holds one.</summary>
    IReadOnlyList<NeighborSession> Neighbors { get; }

    /// <summary>The other speakers to hold sessions with from now on.</summary>
    /// <param name="local">This node's address; null: there are to be no sessions between speakers. Those on a former address end with AdminDown.</param>
    /// <param name="peers">The others' addresses.</param>
    void SetPeers(IpAddress? local, IReadOnlyCollection<IpAddress> peers);

    /// <summary>The key of the sessions between speakers from now on; null: none.</summary>
    void UseKey(BfdKey? key);

    /// <summary>
    /// The neighbours to hold sessions with from now on, whether or not there are any between speakers. What stays as it was is not touched. Where a
    /// session between speakers has the same name, one serves both: by the faster settings, and the speakers' key. With another link in its name it would be
    /// another session, which cannot be: two addresses have one session over one hop (RFC 5881 §3).
    /// </summary>
    /// <param name="neighbors">The sessions and their settings.</param>
    /// <param name="planned">Whether those that end by this tell the neighbour so first, by AdminDown. Otherwise it finds out by silence.</param>
    void SetNeighbors(IReadOnlyDictionary<SessionName, NeighborSettings> neighbors, bool planned = false);

    /// <summary>Holds the sessions until cancelled, with a goodbye to every peer in the end.</summary>
    /// <param name="started">Called once other speakers can be heard, again after each <paramref name="stopped"/>. It must not wait.</param>
    /// <param name="stopped">Called when the address on which they were heard is given up. It must not wait.</param>
    /// <param name="stop">Cancelled in the end.</param>
    Task RunAsync(Action started, Action stopped, CancellationToken stop);
}

/// <summary>How it is with a neighbour's session.</summary>
/// <param name="Settings">What was asked for.</param>
/// <param name="Figures">What came of it.</param>
internal readonly record struct NeighborSession(NeighborSettings Settings, SessionFigures Figures);
