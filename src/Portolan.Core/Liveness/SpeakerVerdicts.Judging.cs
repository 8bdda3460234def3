namespace Portolan.Core.Liveness;

public sealed partial class SpeakerVerdicts
{
    private int Accusers(string node, long now) =>
        _speakers.Count(speaker => speaker.Key != node && !IsVoid(speaker.Key, speaker.Value, now)
            && speaker.Value.Said.TryGetValue(node, out var word) && word.Sight is Sight.Down);

    private bool IsContradicted(long now)
    {
        foreach (var (name, speaker) in _speakers)
        {
            if (IsVoid(name, speaker, now) || (!_sessions.ContainsKey(name) && !_living.Contains(name)))
                continue;
            foreach (var (node, word) in speaker.Said)
                if (word.Sight is Sight.Down && node != name && CanContradict(node))
                    return true;
        }

        return false;
    }

    // Words of a speaker that fell silent after them.
    private bool IsVoid(string name, Speaker speaker, long now)
    {
        if (!_sessions.TryGetValue(name, out var session) || session.Sight is Sight.Up)
            return false;
        if (session.Sight is not Sight.Unknown)
            return speaker.DirectAt < session.Since;
        if (now - speaker.DirectAt >= Silence)
            return true;
        Due(speaker.DirectAt + Silence);
        return false;
    }

    private bool Judge(string node, Session session, long now)
    {
        session.IsContested = false;
        if (_startedAt is null)
            return false;
        if (session.Sight is Sight.Up or Sight.Stopped)
            return session.Sight is Sight.Up;
        var (isDown, isUp) = (false, false);
        var (lastDown, lastUp) = (session.Since, long.MinValue);
        foreach (var (name, speaker) in _speakers)
        {
            var saidAt = speaker.DirectAt;
            if (name == node)
            {
                // Whoever speaks, lives.
                if (speaker.IsReady is not true || IsVoid(name, speaker, now))
                    continue;
            }
            else if (IsVoid(name, speaker, now) || !speaker.Said.TryGetValue(node, out var word))
            {
                continue;
            }
            else if (word.Sight is not Sight.Up)
            {
                isDown |= word.Sight is Sight.Down or Sight.Stopped;
                lastDown = Math.Max(lastDown, word.Since);
                continue;
            }
            else
            {
                saidAt = word.At;
            }

            // Of a node never heard here everybody else knows more.
            if (session.Sight is not Sight.Unknown && (saidAt < session.Since || now - saidAt >= Validity))
                continue;
            isUp = true;
            lastUp = Math.Max(lastUp, saidAt);
            if (session.Sight is not Sight.Unknown)
                Due(saidAt + Validity);
        }

        if (isDown ? lastUp >= lastDown + Contradiction : isUp)
        {
            session.IsContested = true;
            return true;
        }

        // Another observer is waited for, once.
        if (isDown || session.Sight is Sight.Unknown || now >= session.Since + Wait)
            return false;
        Due(session.Since + Wait);
        return session.Lives;
    }

    private void Due(long time) => _deadline = Math.Min(_deadline, time);

    // The speakers that can be reached from here over sessions that are up. What the dead said last does not count, so this is done again
    // until nothing changes.
    private HashSet<string> Reach(long now)
    {
        HashSet<string>? living = null;
        for (var pass = 0; pass < MostPasses; pass++)
        {
            var next = new HashSet<string>(StringComparer.Ordinal) { self };
            var frontier = new Queue<string>();
            foreach (var (node, session) in _sessions)
            {
                if (!session.Lives || !IsReadyToAnnounce(node, session, now))
                    continue;
                next.Add(node);
                frontier.Enqueue(node);
            }

            // Where all are watched, nobody is further away.
            if (_sessions.Count < _nodes.Count - 1)
                Spread(next, frontier, IsDeadByWord(living, now));
            if (living is not null && living.SetEquals(next))
                break;
            living = next;
        }

        return living!;
    }

    private void Spread(HashSet<string> reached, Queue<string> frontier, HashSet<string> dead)
    {
        while (frontier.TryDequeue(out var from))
        {
            if (!_speakers.TryGetValue(from, out var speaker))
                continue;
            foreach (var (node, word) in speaker.Said)
            {
                if (word.Sight is Sight.Up && !_sessions.ContainsKey(node) && _nodes.Contains(node) && !dead.Contains(node)
                    && _speakers.TryGetValue(node, out var other) && other.IsReady is true && reached.Add(node))
                    frontier.Enqueue(node);
            }
        }
    }

    private HashSet<string> IsDeadByWord(HashSet<string>? trusted, long now)
    {
        var deadSince = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, speaker) in _speakers)
        {
            if (trusted is not null && !trusted.Contains(name))
                continue;
            foreach (var (node, word) in speaker.Said)
                if (word.IsDead && !_sessions.ContainsKey(node))
                    deadSince[node] = Math.Max(word.DeadSince, deadSince.GetValueOrDefault(node, long.MinValue));
        }

        if (deadSince.Count == 0)
            return [];
        var dead = new HashSet<string>(deadSince.Keys, StringComparer.Ordinal);
        foreach (var (name, speaker) in _speakers)
        {
            if (trusted is not null && !trusted.Contains(name))
                continue;
            foreach (var (node, word) in speaker.Said)
            {
                if (word.Sight is not Sight.Up || !deadSince.TryGetValue(node, out var since) || word.At < since + Contradiction || now - word.At >= Validity)
                    continue;
                dead.Remove(node);
                Due(word.At + Validity);
            }
        }

        return dead;
    }

    private bool IsReadyToAnnounce(string node, Session session, long now)
    {
        if (_speakers.TryGetValue(node, out var speaker) && speaker.IsReady is { } isReady)
            return isReady;
        if (now >= session.Since + Mute)
            return true;
        Due(session.Since + Mute);
        return false;
    }
}
