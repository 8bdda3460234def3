using System.Diagnostics.CodeAnalysis;

namespace Portolan.Protocols.Bfd;

/// <summary>A session that changed its state, or heard the other side change its own.</summary>
/// <param name="Peer">The session's peer.</param>
/// <param name="From">Our state before.</param>
/// <param name="State">Our state now.</param>
/// <param name="Diagnostic">Why, when it is not Up.</param>
/// <param name="RemoteState">The other side's state: AdminDown tells a planned stop from a death.</param>
/// <param name="RemoteIsIndependent">The other side's C bit as last heard: its BFD does not die with its control plane (RFC 5882 §4.3).</param>
public readonly record struct BfdTransition<TPeer>(
    TPeer Peer, BfdState From, BfdState State, BfdDiagnostic Diagnostic, BfdState RemoteState, bool RemoteIsIndependent = false);

/// <summary>
/// All BFD sessions of one endpoint: finds the session of a packet, says which packets are due and when to ask again. It has no socket and
/// no clock (microseconds are passed in), allocates nothing while sessions only exchange packets, and is not thread safe.
/// </summary>
/// <typeparam name="TPeer">How the caller names a peer, usually address and interface (RFC 5881 §3).</typeparam>
/// <param name="settings">For sessions added later.</param>
/// <param name="random">For discriminators, sequence numbers and jitter.</param>
/// <param name="belongs">
/// Whether a packet that names a session by its discriminator may come from there: the session's peer, then the packet's source. Null: from anywhere (RFC 5881 §6).
/// </param>
public sealed class BfdEngine<TPeer>(BfdSettings settings, Random random, Func<TPeer, TPeer, bool>? belongs = null)
    where TPeer : notnull, IEquatable<TPeer>
{
    private sealed class Entry(TPeer peer, BfdSession session)
    {
        public TPeer Peer => peer;

        public BfdSession Session => session;

        /// <summary>The earliest time this waits for in the queue; <see cref="long.MaxValue"/> where it does not.</summary>
        public long QueuedFor { get; set; } = long.MaxValue;
    }

    private readonly Dictionary<TPeer, Entry> _byPeer = [];
    private readonly Dictionary<uint, Entry> _byDiscriminator = [];
    private readonly Queue<BfdTransition<TPeer>> _transitions = new();

    // A session's place is put right only when its turn comes, or when it must come earlier: a packet heard, which moves the end of the detection time,
    // costs nothing here, however many sessions there are.
    private readonly PriorityQueue<Entry, long> _queue = new();
    private BfdKey? _key;

    /// <summary>Whether packets of sessions that are added later say that these do not die with the protocols that use them: the C bit.</summary>
    public bool ControlPlaneIndependent { get; set; }

    /// <summary>The peers that have a session.</summary>
    public IReadOnlyCollection<TPeer> Peers => _byPeer.Keys;

    /// <summary>Starts a session with a peer, if there is none, with the engine's settings and key.</summary>
    /// <returns>Whether it was started now.</returns>
    public bool Add(TPeer peer, long now) => Add(peer, settings, _key, now);

    /// <summary>Starts a session with a peer, if there is none, with settings and a key of its own.</summary>
    /// <returns>Whether it was started now.</returns>
    public bool Add(TPeer peer, BfdSettings own, BfdKey? key, long now)
    {
        if (_byPeer.ContainsKey(peer))
            return false;
        uint discriminator;
        do
            discriminator = (uint)random.NextInt64(1, uint.MaxValue);
        while (_byDiscriminator.ContainsKey(discriminator));
        var entry = new Entry(peer, new BfdSession(own, discriminator, key, random, now) { ControlPlaneIndependent = ControlPlaneIndependent });
        _byPeer.Add(peer, entry);
        _byDiscriminator.Add(discriminator, entry);
        Queue(entry);
        return true;
    }

    /// <summary>Forgets a peer; its transition to Down is not reported.</summary>
    public bool Remove(TPeer peer)
    {
        if (!_byPeer.Remove(peer, out var entry))
            return false;
        _byDiscriminator.Remove(entry.Session.Discriminator);
        entry.QueuedFor = long.MaxValue;
        return true;
    }

    /// <summary>A peer's session, to look at.</summary>
    public bool TryGet(TPeer peer, [MaybeNullWhen(false)] out BfdSession session)
    {
        session = _byPeer.GetValueOrDefault(peer)?.Session;
        return session is not null;
    }

    /// <summary>Changes the key of all sessions, present and future; null: no authentication.</summary>
    public void UseKey(BfdKey? key)
    {
        _key = key;
        foreach (var entry in _byPeer.Values)
            entry.Session.UseKey(key);
    }

    /// <summary>Changes the key of a peer's session, if there is one; null: no authentication.</summary>
    public void UseKey(TPeer peer, BfdKey? key) => _byPeer.GetValueOrDefault(peer)?.Session.UseKey(key);

    /// <summary>Changes intervals and multiplier of a peer's session, if there is one: <see cref="BfdSession.Configure"/>.</summary>
    public void Configure(TPeer peer, BfdSettings own, long now)
    {
        if (!_byPeer.TryGetValue(peer, out var entry))
            return;
        entry.Session.Configure(own, now);
        Queue(entry);
    }

    /// <summary>Takes all sessions down on purpose: the next packets say so.</summary>
    public void AdminDown(long now)
    {
        foreach (var entry in _byPeer.Values)
            AdminDown(entry, now);
    }

    /// <summary>Takes a peer's session down on purpose, if there is one.</summary>
    public void AdminDown(TPeer peer, long now)
    {
        if (_byPeer.TryGetValue(peer, out var entry))
            AdminDown(entry, now);
    }

    /// <summary>Reports a peer's session as it is, if there is one, as a transition from its state to the same.</summary>
    public void Report(TPeer peer)
    {
        if (_byPeer.TryGetValue(peer, out var entry))
            Report(entry, entry.Session.State);
    }

    /// <summary>Lets a session that was taken down on purpose come up again.</summary>
    public void Enable(TPeer peer, long now)
    {
        if (!_byPeer.TryGetValue(peer, out var entry))
            return;
        var before = Look(entry);
        entry.Session.Enable(now);
        Note(entry, before);
        Queue(entry);
    }

    /// <summary>Takes a UDP payload that came from near enough (RFC 5881 §5, RFC 5883 §5: the TTL is the caller's, or the kernel's, duty).</summary>
    public BfdRejection Receive(TPeer source, ReadOnlySpan<byte> datagram, long now)
    {
        var rejection = BfdPacket.TryParse(datagram, out var packet);
        if (rejection is not BfdRejection.None)
            return rejection;

        // By discriminator once the other side knows ours, by source only before (RFC 5880 §6.3).
        if (!(packet.YourDiscriminator != 0 ? _byDiscriminator.TryGetValue(packet.YourDiscriminator, out var entry) : _byPeer.TryGetValue(source, out entry)))
            return BfdRejection.NoSession;
        if (belongs is not null && !belongs(entry.Peer, source))
            return BfdRejection.NoSession;

        var before = Look(entry);
        rejection = entry.Session.Receive(packet, datagram, now);
        Note(entry, before);
        Queue(entry);
        return rejection;
    }

    /// <summary>Lets time pass and writes the next packet that is due, if any. To be called until it returns false.</summary>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="buffer">At least 52 bytes.</param>
    /// <param name="peer">To whom.</param>
    /// <param name="length">How many bytes.</param>
    public bool TryTakePacket(long now, Span<byte> buffer, [MaybeNullWhen(false)] out TPeer peer, out int length)
    {
        while (Deadline <= now)
        {
            var entry = _queue.Dequeue();
            entry.QueuedFor = long.MaxValue;
            var before = Look(entry);
            length = entry.Session.Advance(now, buffer);
            Note(entry, before);
            Queue(entry);
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

    /// <summary>When <see cref="TryTakePacket"/> must be called next, or earlier: microseconds, <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline
    {
        get
        {
            while (_queue.TryPeek(out var entry, out var time))
            {
                if (entry.QueuedFor == time)
                    return time;
                // It came earlier meanwhile, or is forgotten.
                _queue.Dequeue();
            }

            return long.MaxValue;
        }
    }

    private void AdminDown(Entry entry, long now)
    {
        var before = Look(entry);
        entry.Session.AdminDown(now);
        Note(entry, before);
        Queue(entry);
    }

    private void Queue(Entry entry)
    {
        var deadline = entry.Session.Deadline;
        if (deadline >= entry.QueuedFor)
            return;
        entry.QueuedFor = deadline;
        _queue.Enqueue(entry, deadline);
    }

    private static (BfdState State, BfdState Remote, bool Independent) Look(Entry entry) =>
        (entry.Session.State, entry.Session.RemoteState, entry.Session.RemoteIsIndependent);

    private void Note(Entry entry, (BfdState State, BfdState Remote, bool Independent) before)
    {
        if (Look(entry) != before)
            Report(entry, before.State);
    }

    private void Report(Entry entry, BfdState from)
    {
        var session = entry.Session;
        _transitions.Enqueue(new(entry.Peer, from, session.State, session.Diagnostic, session.RemoteState, session.RemoteIsIndependent));
    }
}
