using System.Diagnostics.CodeAnalysis;
using Portolan.Core.Liveness;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Peers;

internal sealed partial class PeerExchange
{
    /// <summary>Microseconds between two times that everything of one's own is told again.</summary>
    public const long WholeInterval = 1_000_000;

    /// <summary>Microseconds between the two times that news are told.</summary>
    public const long SecondCopyAfter = 5_000;

    /// <summary>What one peer gets of others' records within a <see cref="WholeInterval"/>, in datagrams, when its digest shows that it lacks some.</summary>
    private const int MostRepairs = 4;

    private ulong _sequence;
    private ulong _recordSequence;

    /// <summary>When <see cref="TryTakeDatagram"/> or <see cref="Advance"/> must be called next: microseconds.</summary>
    public long Deadline
    {
        get
        {
            var deadline = Math.Min(_verdicts.Deadline, _disappearancesAt);
            foreach (var peer in _peers.Values)
                deadline = Math.Min(deadline, peer.Deadline);
            return deadline;
        }
    }

    /// <summary>Takes a UDP payload.</summary>
    /// <returns><see cref="PeerRejection.None"/>, or why it was not believed, in whole or in part.</returns>
    public PeerRejection Receive(ReadOnlySpan<byte> bytes, long now)
    {
        var rejection = PeerDatagram.TryParse(bytes, _key, out var datagram);
        if (rejection is not PeerRejection.None)
            return rejection;
        if (datagram.Receiver != _id)
            return PeerRejection.NotForUs;
        if (!_peers.TryGetValue(datagram.Sender, out var peer))
            return PeerRejection.UnknownSender;

        var isProvenNow = false;
        foreach (var item in datagram.Items)
        {
            if (item.Type is PeerItemType.Challenge && PeerChallenge.TryParse(item.Body, out var challenge))
                Answer(peer, challenge, now);
            else if (item.Type is PeerItemType.Answer && PeerAnswer.TryParse(item.Body, out var answer))
                isProvenNow |= peer.Link.TryProve(answer.Nonce, datagram.Boot, datagram.Sequence);
        }

        rejection = isProvenNow ? PeerRejection.None : peer.Link.Admit(datagram.Boot, datagram.Sequence);
        if (rejection is PeerRejection.Unproven && peer.Link.TryChallenge(now, random(), out var nonce))
            (peer.Challenge, peer.WholeAt) = (nonce, Math.Min(peer.WholeAt, now));
        if (rejection is not PeerRejection.None)
            return rejection;

        foreach (var item in datagram.Items)
            if (item.IsRecord && !Take(peer, item, now))
                rejection = PeerRejection.BadMessage;
            else if (item.Type is PeerItemType.Digest && PeerDigest.TryParse(item.Body, out var digest))
                Repair(peer, digest, now);
        return rejection;
    }

    /// <summary>Writes the next datagram that is due, if any. To be called until it returns false.</summary>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="buffer">At least <see cref="PeerDatagram.MaxSize"/> bytes.</param>
    /// <param name="to">To whom.</param>
    /// <param name="length">How many bytes.</param>
    public bool TryTakeDatagram(long now, Span<byte> buffer, [NotNullWhen(true)] out Peer? to, out int length)
    {
        foreach (var peer in _peers.Values)
        {
            if (peer.Deadline > now)
                continue;
            to = peer;
            length = Write(peer, now, buffer);
            return true;
        }

        (to, length) = (null, 0);
        return false;
    }

    private void Tell(RecordKey key, ReadOnlySpan<byte> payload, long now)
    {
        var body = new byte[PeerRecord.HeaderSize + payload.Length];
        PeerRecord.WriteHeader(body, _id, _incarnation, ++_recordSequence);
        payload.CopyTo(body.AsSpan(PeerRecord.HeaderSize));
        if (_records.Take(key.Type, key.Part, body) is not RecordNews.New)
            return;
        foreach (var peer in _peers.Values)
            peer.Add(key, copies: 2, now);
    }

    // Others remember a life of ours that seems later than this one: the clock went back. This life must come after it.
    private void Outlive(ulong remembered, long now)
    {
        if (remembered < _incarnation || remembered == ulong.MaxValue)
            return;
        _incarnation = remembered + 1;
        var own = _records.Of(_id).Select(key => (key, _records.Payload(key))).ToList();
        foreach (var (key, payload) in own)
            Tell(key, payload, now);
    }

    private void Answer(Peer peer, PeerChallenge challenge, long now)
    {
        if (challenge.Incarnation > _incarnation)
            Outlive(challenge.Incarnation, now);
        peer.Answer = challenge.Nonce;
        peer.WholeAt = Math.Min(peer.WholeAt, now);
    }

    /// <returns>False when it does not read as its type says.</returns>
    private bool Take(Peer from, PeerItem item, long now)
    {
        if (!PeerRecord.TryParse(item.Body, out var record))
            return false;
        if (record.Origin == _id)
        {
            if (record.Incarnation > _incarnation)
                Outlive(record.Incarnation, now);
            return true;
        }

        // Of a node that the API has not shown yet, or not any more.
        if (!_names.TryGetValue(record.Origin, out var node))
            return true;
        var isDirect = record.Origin == from.Id;
        var key = new RecordKey(record.Origin, item.Type, item.Part);
        if (!IsReadable(item.Type, record.Payload))
            return false;
        var life = _records.IncarnationOf(record.Origin);
        var news = _records.Take(item.Type, item.Part, item.Body);
        if (news is RecordNews.New)
            PassOn(from, key, now);
        if (item.Type is PeerItemType.Verdicts && (news is RecordNews.New || (news is RecordNews.Same && isDirect)))
            Hear(node, isDirect, record.Payload, now);
        if (news is not RecordNews.New)
            return true;
        if (item.Type is PeerItemType.Report || life != record.Incarnation)
            GatherReports();
        _isNews |= item.Type is PeerItemType.Disappearances;
        if (_listeners.TryGetValue(item.Type, out var listener))
            listener(node, item.Part, record.Payload.ToArray());
        return true;
    }

    private static bool IsReadable(PeerItemType type, ReadOnlySpan<byte> payload) => type switch
    {
        PeerItemType.Verdicts => VerdictsMessage.TryParse(payload, out _),
        PeerItemType.Report => payload.IsEmpty || ReportMessage.TryParse(payload, out _),
        PeerItemType.Disappearances => DisappearancesMessage.TryParse(payload, out _),
        _ => true,
    };

    // Where everyone talks to everyone, all have it already; who lost it sees so by the digest.
    private void PassOn(Peer from, RecordKey key, long now)
    {
        if (_map.Watched.Count >= _map.Nodes.Count - 1)
            return;
        foreach (var peer in _peers.Values)
            if (peer != from && peer.Id != key.Origin)
                peer.Add(key, copies: 1, now);
    }

    private void Hear(string node, bool isDirect, ReadOnlySpan<byte> payload, long now)
    {
        if (!VerdictsMessage.TryParse(payload, out var message))
            return;
        var sightings = new List<Sighting>();
        foreach (var verdict in message)
            if (_names.TryGetValue(verdict.Node, out var name))
                sightings.Add(new Sighting(name, (Sight)verdict.Sight, verdict.IsDead));
        _verdicts.Heard(node, isDirect, message.IsReady, sightings, now);
    }

    private void Repair(Peer peer, in PeerDigest digest, long now)
    {
        if (digest == _records.Digest || now < peer.RepairsAgainAt)
            return;
        peer.RepairsAgainAt = now + WholeInterval / 2;
        var lacking = new List<RecordKey>();
        for (var bucket = 0; bucket < PeerDigest.Buckets; bucket++)
            if (digest[bucket] != _records.Digest[bucket])
                lacking.AddRange(_records.In(bucket).Where(key => key.Origin != peer.Id));
        // Another stretch each time, so that all have their turn.
        var budget = MostRepairs * PeerDatagram.MaxItemsSize;
        var start = lacking.Count == 0 ? 0 : (int)(random() % (ulong)lacking.Count);
        for (var i = 0; i < lacking.Count; i++)
        {
            var key = lacking[(start + i) % lacking.Count];
            budget -= _records.Find(key)!.Length;
            if (budget < 0)
                break;
            peer.Add(key, copies: 1, now);
        }
    }

    private int Write(Peer peer, long now, Span<byte> buffer)
    {
        var writer = new PeerDatagramWriter(buffer);
        Span<byte> body = stackalloc byte[PeerDigest.Size];
        if (peer.Challenge is { } nonce)
        {
            new PeerChallenge(nonce, _records.IncarnationOf(peer.Id)).WriteTo(body);
            writer.TryAdd(PeerItemType.Challenge, 0, body[..PeerChallenge.Size]);
        }

        if (peer.Answer is { } answer)
        {
            new PeerAnswer(answer).WriteTo(body);
            writer.TryAdd(PeerItemType.Answer, 0, body[..PeerAnswer.Size]);
        }

        (peer.Challenge, peer.Answer) = (null, null);
        if (peer.WholeAt <= now)
        {
            // Not all speakers at once: three quarters of the interval up to all of it, as BFD does it.
            peer.WholeAt = now + WholeInterval - (long)(random() % (ulong)(WholeInterval / 4));
            _records.Digest.WriteTo(body);
            writer.TryAdd(PeerItemType.Digest, 0, body);
            foreach (var key in _records.Of(_id))
                peer.Add(key, copies: 1, now);
        }

        peer.Fill(ref writer, _records, now);
        return writer.Seal(_id, peer.Id, _boot, ++_sequence, _key);
    }
}
