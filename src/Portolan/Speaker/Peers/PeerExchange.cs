using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Liveness;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Peers;

/// <summary>
/// What the speakers tell each other, without sockets and without a clock (microseconds are passed in): takes what sessions say, what this speaker has to
/// say and what arrives; gives a <see cref="View"/> and datagrams that are due. Not thread safe.
/// </summary>
/// <param name="self">The node this speaker runs on.</param>
/// <param name="grace">How long a starting speaker waits to hear of the others, microseconds.</param>
/// <param name="incarnation">The wall clock, microseconds.</param>
/// <param name="random">Random numbers that nobody can foresee.</param>
internal sealed partial class PeerExchange(string self, long grace, ulong incarnation, Func<ulong> random)
{
    private readonly SpeakerVerdicts _verdicts = new(self, grace);
    private readonly PeerRecords _records = new();
    private readonly ulong _id = PeerNode.IdOf(self);
    private readonly ulong _boot = random();
    private readonly Dictionary<ulong, string> _names = [];
    private readonly SortedDictionary<ulong, Peer> _peers = [];
    private readonly Dictionary<PeerItemType, Action<string, byte, byte[]>> _listeners = [];
    private ulong _incarnation = incarnation;
    private PeerMap _map = PeerMap.Of(self, []);
    private PeerKey? _key;
    private NodeReport _report = NodeReport.Well;
    private Dictionary<string, NodeReport> _reports = new(StringComparer.Ordinal);
    private long _told = -1;
    private long _disappearancesAt;
    private bool _isNews = true;

    /// <summary>What is known of the other speakers. A new one whenever it is another.</summary>
    public PeerView View { get; private set; } = PeerView.Nothing(self);

    /// <summary>Takes the cluster's nodes.</summary>
    public void SetNodes(PeerMap map, long now)
    {
        _map = map;
        _verdicts.SetNodes(map.Nodes, map.Watched.Keys, map.Awaited, now);
        var before = _names.Keys.ToHashSet();
        _names.Clear();
        foreach (var node in map.Nodes)
            _names[PeerNode.IdOf(node)] = node;
        foreach (var gone in before)
            if (gone != _id && !_names.ContainsKey(gone))
                _records.Forget(gone);
        foreach (var peer in _peers.Values.Where(peer => !map.Watched.TryGetValue(peer.Node, out var address) || address != peer.Address).ToList())
            _peers.Remove(peer.Id);
        foreach (var (node, address) in map.Watched)
            if (!_peers.ContainsKey(PeerNode.IdOf(node)))
                _peers[PeerNode.IdOf(node)] = new Peer(node, address) { WholeAt = now };
        GatherReports();
    }

    /// <summary>The sessions run, for the first time or again.</summary>
    public void Started(long now) => _verdicts.Started(now);

    /// <summary>The sessions do not run.</summary>
    public void Stopped(long now) => _verdicts.Stopped(now);

    /// <summary>Takes what a session says.</summary>
    public void On(BfdTransition<IpAddress> transition, long now)
    {
        foreach (var (node, address) in _map.Watched)
            if (address == transition.Peer)
                _verdicts.Saw(node, SightOf(transition), now);
    }

    /// <summary>The key from now on; null: none. What was proven under the former key counts on.</summary>
    public void UseKey(PeerKey? key) => _key = key;

    /// <summary>What this speaker says of its own node from now on.</summary>
    public void SetReport(NodeReport report, long now)
    {
        _report = report;
        var parts = ReportParts.Write(report);
        for (var part = 0; part < ReportMessage.MaxParts; part++)
            if (part < parts.Count)
                Publish(PeerItemType.Report, (byte)part, parts[part], now);
            else if (_records.Payload(new RecordKey(_id, PeerItemType.Report, (byte)part)).Length > 0)
                Publish(PeerItemType.Report, (byte)part, [], now);
        GatherReports();
    }

    /// <summary>Calls back for records of a type that this does not read itself: with the node that says it, the part and the payload (empty: taken back).</summary>
    public void Listen(PeerItemType type, Action<string, byte, byte[]> onRecord) => _listeners[type] = onRecord;

    /// <summary>Tells all other speakers, unless it has been told already.</summary>
    /// <param name="type">What it is.</param>
    /// <param name="part">Which of several of its type.</param>
    /// <param name="payload">At most <see cref="PeerRecord.MaxPayloadSize"/> bytes; all of a speaker together at most <see cref="PeerRecords.MostBytes"/>.</param>
    /// <param name="now">The present, microseconds.</param>
    public void Publish(PeerItemType type, byte part, ReadOnlySpan<byte> payload, long now)
    {
        var key = new RecordKey(_id, type, part);
        if (_records.Find(key) is { } held && held.AsSpan(PeerRecord.HeaderSize).SequenceEqual(payload))
            return;
        Tell(key, payload, now);
    }

    /// <summary>Lets time pass and draws conclusions; to be called after every input, and at the deadline.</summary>
    /// <returns>Whether <see cref="View"/> is another now.</returns>
    public bool Advance(long now)
    {
        _isNews |= _verdicts.Advance(now);
        if (_told != _verdicts.Edition)
        {
            _told = _verdicts.Edition;
            TellVerdicts(now);
            TellDisappearances(now);
        }
        else if (now >= _disappearancesAt)
        {
            TellDisappearances(now);
        }

        if (!_isNews)
            return false;
        _isNews = false;
        var view = new PeerView(
            _verdicts.Living, _verdicts.IsSettled,
            _reports.Where(report => _verdicts.Living.Contains(report.Key)).ToDictionary(StringComparer.Ordinal),
            _verdicts.Departed.ToHashSet(StringComparer.Ordinal), OwnDisappearances(), [.. _verdicts.Contested.Order(StringComparer.Ordinal)]);
        if (view.Equals(View))
            return false;
        View = view;
        return true;
    }

    private static Sight SightOf(BfdTransition<IpAddress> transition) =>
        transition.State is BfdState.Up ? Sight.Up
        : transition.RemoteState is BfdState.AdminDown ? Sight.Stopped
        : Sight.Down;

    private void TellVerdicts(long now)
    {
        Span<byte> payload = stackalloc byte[PeerRecord.MaxPayloadSize];
        PeerVerdict[] verdicts = [.. _verdicts.Sightings.Select(sighting => new PeerVerdict(PeerNode.IdOf(sighting.Node), (byte)sighting.Sight, sighting.IsDead))];
        // Told again even if it is the same: to say it again is the news.
        Tell(new RecordKey(_id, PeerItemType.Verdicts, 0), payload[..VerdictsMessage.Write(payload, _verdicts.IsReady, verdicts)], now);
    }

    private void TellDisappearances(long now)
    {
        _disappearancesAt = now + 60_000_000; // they are forgotten after an hour: a minute more or less
        Span<byte> payload = stackalloc byte[PeerRecord.MaxPayloadSize];
        (ulong, byte)[] disappearances = [.. _verdicts.Disappearances.Within(now).OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => (PeerNode.IdOf(entry.Key), (byte)entry.Value))];
        if (disappearances.Length > 0 || _records.Find(new RecordKey(_id, PeerItemType.Disappearances, 0)) is not null)
            Publish(PeerItemType.Disappearances, 0, payload[..DisappearancesMessage.Write(payload, disappearances)], now);
    }

    private int OwnDisappearances()
    {
        var most = 0;
        foreach (var origin in _names.Keys)
        {
            if (origin == _id || _records.Find(new RecordKey(origin, PeerItemType.Disappearances, 0)) is not { } body)
                continue;
            if (DisappearancesMessage.TryParse(body.AsSpan(PeerRecord.HeaderSize), out var disappearances))
                foreach (var (node, count) in disappearances)
                    if (node == _id)
                        most = Math.Max(most, count);
        }

        return most;
    }

    private void GatherReports()
    {
        var reports = new Dictionary<string, NodeReport>(StringComparer.Ordinal);
        foreach (var (id, name) in _names)
        {
            var first = _records.Payload(new RecordKey(id, PeerItemType.Report, 0));
            if (ReportMessage.TryParse(first, out var message))
                reports[name] = ReportParts.Read(Enumerable.Range(0, message.Parts).Select(part => _records.Payload(new RecordKey(id, PeerItemType.Report, (byte)part))));
        }

        if (!_report.Equals(NodeReport.Well))
            reports[self] = _report;
        (_reports, _isNews) = (reports, true);
    }
}
