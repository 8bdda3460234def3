using System.Diagnostics.CodeAnalysis;

namespace Portolan.Protocols.Bfd;

/// <summary>A session that changed its state, or heard the other side change its own.</summary>
/// <param name="Peer">The session's peer.</param>
/// <param name="From">Our state before.</param>
/// <param name="State">Our state now.</param>
/// <param name="Diagnostic">Why, when it is not Up.</param>
/// <param name="RemoteState">The other side's state: AdminDown tells a planned stop from a death.</param>
public readonly record struct BfdTransition<TPeer>(TPeer Peer, BfdState From, BfdState State, BfdDiagnostic Diagnostic, BfdState RemoteState);

/// <summary>
/// All BFD sessions of one endpoint: finds the session of a packet, says which packets are due and when to ask again. It has no socket and
/// no clock (microseconds are passed in), allocates nothing while sessions only exchange packets, and is not thread safe.
/// </summary>
/// <typeparam name="TPeer">How the caller names a peer, usually address and interface (RFC 5881 §3).</typeparam>
/// <param name="settings">For sessions added later.</param>
/// <param name="random">For discriminators, sequence numbers and jitter.</param>
public sealed class BfdEngine<TPeer>(BfdSettings settings, Random random)
    where TPeer : notnull, IEquatable<TPeer>
{
    private readonly record struct Entry(TPeer Peer, BfdSession Session);

    private readonly Dictionary<TPeer, BfdSession> _byPeer = [];
    private readonly Dictionary<uint, Entry> _byDiscriminator = [];
    private readonly List<Entry> _sessions = [];
    private readonly Queue<BfdTransition<TPeer>> _transitions = new();
    private BfdKey? _key;

    /// <summary>The peers that have a session.</summary>
    public IReadOnlyCollection<TPeer> Peers => _byPeer.Keys;

    /// <summary>Starts a session with a peer, if there is none.</summary>
    /// <returns>Whether it was started now.</returns>
    public bool Add(TPeer peer, long now)
    {
        if (_byPeer.ContainsKey(peer))
            return false;
        uint discriminator;
        do
            discriminator = (uint)random.NextInt64(1, uint.MaxValue);
        while (_byDiscriminator.ContainsKey(discriminator));
        var entry = new Entry(peer, new BfdSession(settings, discriminator, _key, random, now));
        _byPeer.Add(peer, entry.Session);
        _byDiscriminator.Add(discriminator, entry);
        _sessions.Add(entry);
        return true;
    }

    /// <summary>Forgets a peer; its transition to Down is not reported.</summary>
    public bool Remove(TPeer peer)
    {
        if (!_byPeer.Remove(peer, out var session))
            return false;
        _byDiscriminator.Remove(session.Discriminator);
        _sessions.RemoveAll(entry => entry.Session == session);
        return true;
    }

    /// <summary>A peer's session.</summary>
    public bool TryGet(TPeer peer, [MaybeNullWhen(false)] out BfdSession session) => _byPeer.TryGetValue(peer, out session);

    /// <summary>Changes the key of all sessions, present and future; null: no authentication.</summary>
    public void UseKey(BfdKey? key)
    {
        _key = key;
        foreach (var entry in _sessions)
            entry.Session.UseKey(key);
    }

    /// <summary>Takes all sessions down on purpose: the next packets say so.</summary>
    public void AdminDown(long now)
    {
        foreach (var entry in _sessions)
        {
            var before = entry.Session.State;
            entry.Session.AdminDown(now);
            Note(entry, before, entry.Session.RemoteState);
        }
    }

    /// <summary>Takes a UDP payload that arrived with TTL 255 (RFC 5881 §5: the caller's, or the kernel's, duty).</summary>
    public BfdRejection Receive(TPeer source, ReadOnlySpan<byte> datagram, long now)
    {
        var rejection = BfdPacket.TryParse(datagram, out var packet);
        if (rejection is not BfdRejection.None)
            return rejection;

        // By discriminator once the other side knows ours, by source only before (RFC 5880 §6.3).
        Entry entry;
        if (packet.YourDiscriminator != 0)
        {
            if (!_byDiscriminator.TryGetValue(packet.YourDiscriminator, out entry))
                return BfdRejection.NoSession;
        }
        else if (_byPeer.TryGetValue(source, out var session))
        {
            entry = new Entry(source, session);
        }
        else
        {
            return BfdRejection.NoSession;
        }

        var (before, remote) = (entry.Session.State, entry.Session.RemoteState);
        rejection = entry.Session.Receive(packet, datagram, now);
        Note(entry, before, remote);
        return rejection;
    }

    /// <summary>Lets time pass and writes the next packet that is due, if any. To be called until it returns false.</summary>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="buffer">At least 52 bytes.</param>
    /// <param name="peer">To whom.</param>
    /// <param name="length">How many bytes.</param>
    public bool TryTakePacket(long now, Span<byte> buffer, [MaybeNullWhen(false)] out TPeer peer, out int length)
    {
        foreach (var entry in _sessions)
        {
            if (entry.Session.Deadline > now)
                continue;
            var (before, remote) = (entry.Session.State, entry.Session.RemoteState);
            length = entry.Session.Advance(now, buffer);
            Note(entry, before, remote);
            if (length == 0)
                continue;
            peer = entry.Peer;
            return true;
        }

        (peer, length) = (default, 0);
        return false;
    }

    /// <summary>The next transition not yet reported.</summary>
    public bool TryTakeTransition(out BfdTransition<TPeer> transition) => _transitions.TryDequeue(out transition);

    /// <summary>When <see cref="TryTakePacket"/> must be called next: microseconds, <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline
    {
        get
        {
            var deadline = long.MaxValue;
            foreach (var entry in _sessions)
                deadline = Math.Min(deadline, entry.Session.Deadline);
            return deadline;
        }
    }

    private void Note(Entry entry, BfdState before, BfdState remoteBefore)
    {
        var session = entry.Session;
        if (session.State != before || session.RemoteState != remoteBefore)
            _transitions.Enqueue(new(entry.Peer, before, session.State, session.Diagnostic, session.RemoteState));
    }
}
