namespace Portolan.Bfd;

/// <summary>Sessions that are down on purpose and will be forgotten. What they say of it at once is said more than once, as packets get lost.</summary>
internal sealed class Partings
{
    private const int Repetitions = 2;
    private const long Pause = 10_000;

    private readonly Dictionary<SessionName, Parting> _all = [];

    /// <summary>When <see cref="TryTake"/> has something again: microseconds, <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Has a session forgotten later, unless it is wanted before.</summary>
    /// <param name="name">Which.</param>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="after">Microseconds from now.</param>
    /// <param name="repeats">Whether what it said just now is to be said again.</param>
    public void Add(SessionName name, long now, long after, bool repeats)
    {
        _all[name] = new Parting(repeats ? Repetitions : 0, now + Pause, now + after);
        Deadline = Math.Min(Deadline, _all[name].Next);
    }

    /// <summary>It stays.</summary>
    public void Remove(SessionName name)
    {
        if (_all.Remove(name))
            Deadline = NextOfAll();
    }

    /// <summary>The next session that is due.</summary>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="name">Which.</param>
    /// <param name="isOver">True: it is to be forgotten, and has been here. False: it is to speak once more.</param>
    public bool TryTake(long now, out SessionName name, out bool isOver)
    {
        (name, isOver) = (default, false);
        if (now < Deadline)
            return false;
        foreach (var (one, parting) in _all)
        {
            if (parting.Next > now)
                continue;
            (name, isOver) = (one, parting.Repetitions == 0);
            if (isOver)
                _all.Remove(one);
            else
                _all[one] = parting with { Repetitions = parting.Repetitions - 1, SpeakAt = now + Pause };
            Deadline = NextOfAll();
            return true;
        }

        return false;
    }

    private long NextOfAll()
    {
        var next = long.MaxValue;
        foreach (var parting in _all.Values)
            next = Math.Min(next, parting.Next);
        return next;
    }

    private readonly record struct Parting(int Repetitions, long SpeakAt, long ForgetAt)
    {
        public long Next => Repetitions > 0 ? SpeakAt : ForgetAt;
    }
}
