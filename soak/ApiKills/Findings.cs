namespace Portolan.Soak.ApiKills;

/// <summary>What was counted and what was wrong, from all sides of the trial.</summary>
internal sealed class Findings
{
    private const int Told = 20;
    private readonly Lock _lock = new();
    private readonly List<string> _wrong = [];
    private long _highest;
    private int _acknowledged;
    private int _unanswered;
    private int _happened;
    private int _resumes;

    /// <summary>The highest revision anybody has been told.</summary>
    public long Highest => Interlocked.Read(ref _highest);

    public int Acknowledged => _acknowledged;
    public int Unanswered => _unanswered;

    /// <summary>Of the unanswered writes, those that turned out to be there.</summary>
    public int Happened => _happened;

    public int Resumes => _resumes;

    public IReadOnlyList<string> Wrong
    {
        get { lock (_lock) return [.. _wrong]; }
    }

    public void Acknowledge(long revision)
    {
        Interlocked.Increment(ref _acknowledged);
        See(revision);
    }

    public void See(long revision)
    {
        for (var known = Highest; revision > known; known = Highest)
            if (Interlocked.CompareExchange(ref _highest, revision, known) == known)
                return;
    }

    public void Resolve(bool happened)
    {
        Interlocked.Increment(ref _unanswered);
        if (happened) Interlocked.Increment(ref _happened);
    }

    public void Resume() => Interlocked.Increment(ref _resumes);

    public void Blame(string what)
    {
        lock (_lock)
        {
            if (_wrong.Count < Told) _wrong.Add(what);
            else if (_wrong.Count == Told) _wrong.Add("and more");
        }
    }
}
