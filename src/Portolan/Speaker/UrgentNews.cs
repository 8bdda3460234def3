using System.Diagnostics.CodeAnalysis;

namespace Portolan.Speaker;

/// <summary>
/// What other threads have for the speaker's loop and cannot wait to hand over. Of each subject there is the latest news only: however long the loop is busy,
/// there is never more than one piece for each, and nobody is turned away. Any number of threads.
/// </summary>
internal sealed class UrgentNews
{
    private readonly Lock _gate = new();
    private readonly Queue<object> _order = new();
    private readonly Dictionary<object, Action> _latest = [];

    /// <summary>Leaves news, in place of what was left of the same subject and has not been taken yet.</summary>
    /// <param name="subject">What it is about, told apart by equality: of a kind that has a bounded number of values.</param>
    /// <param name="news">What is to be done.</param>
    public void Put(object subject, Action news)
    {
        lock (_gate)
        {
            if (!_latest.ContainsKey(subject))
                _order.Enqueue(subject);
            _latest[subject] = news;
        }
    }

    /// <summary>Takes the news of the subject that has waited longest, if there is any.</summary>
    public bool TryTake([NotNullWhen(true)] out Action? news)
    {
        lock (_gate)
        {
            news = null;
            return _order.TryDequeue(out var subject) && _latest.Remove(subject, out news);
        }
    }
}
