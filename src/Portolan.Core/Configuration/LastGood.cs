using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>One object on its way into force.</summary>
/// <param name="Name">Its name; the entries come with the older first.</param>
/// <param name="Written">The object as it is written now, or null when it is wrong by itself.</param>
/// <param name="Errors">What is wrong with it by itself.</param>
/// <typeparam name="T">A checked object.</typeparam>
internal readonly record struct Candidate<T>(string Name, T? Written, IReadOnlyList<FieldError> Errors)
    where T : class;

/// <summary>What came of it.</summary>
/// <param name="Name">The object's name.</param>
/// <param name="InForce">The version in force, or null when there is none.</param>
/// <param name="IsWritten">The version in force is the one that is written now.</param>
/// <param name="Errors">What is wrong with the object as written.</param>
/// <typeparam name="T">A checked object.</typeparam>
internal readonly record struct Settled<T>(string Name, T? InForce, bool IsWritten, IReadOnlyList<FieldError> Errors)
    where T : class
{
    public Standing Standing => IsWritten ? Standing.InForce : InForce is null ? Standing.NotInForce : Standing.PreviousInForce;
}

/// <summary>
/// Which versions of a kind's objects are in force. The objects as written are all taken where they go together. Where they do not, an object
/// that is wrong, or that clashes, keeps its last good version, which nobody else's new version may push out: whoever clashes with it keeps
/// their last good version in turn. So an object that has been in force stays in force in some version for as long as it exists.
/// Between new versions those that change nothing that matters to others come first, then changed ones, then newcomers; then the older first.
/// </summary>
internal static class LastGood
{
    /// <param name="candidates">The objects as written, the older first.</param>
    /// <param name="previous">What was in force until now, by name.</param>
    /// <param name="clash">What the first cannot have beside the second, or null; null in both directions or in neither.</param>
    /// <param name="samePlace">Whether two versions of an object clash with the same others.</param>
    public static IReadOnlyList<Settled<T>> Settle<T>(IReadOnlyList<Candidate<T>> candidates, IReadOnlyDictionary<string, T> previous, Func<T, T, FieldError?> clash, Func<T, T, bool> samePlace)
        where T : class
    {
        var refusals = new FieldError?[candidates.Count];
        var inForce = new T?[candidates.Count];
        var order = Enumerable.Range(0, candidates.Count).OrderBy(Rank);
        while (!Place())
        {
        }

        Readmit();
        return [.. candidates.Select((candidate, index) => new Settled<T>(
            candidate.Name, inForce[index], candidate.Written is not null && refusals[index] is null, refusals[index] is { } refusal ? [.. candidate.Errors, refusal] : candidate.Errors))];

        // Puts one after the other beside those before it. False: another one fell back on its old version, and the others must be judged beside that.
        bool Place()
        {
            Array.Clear(inForce);
            foreach (var index in order.ToList())
            {
                var (name, written, _) = candidates[index];
                var old = previous.GetValueOrDefault(name);
                inForce[index] = old;
                if (written is null || refusals[index] is not null)
                    continue;
                refusals[index] = ClashOf(index);
                if (refusals[index] is null)
                    inForce[index] = written;
                else if (old is not null && !samePlace(written, old))
                    return false;
            }

            return true;
        }

        // What one was refused for may itself have been refused since.
        void Readmit()
        {
            for (var again = true; again;)
            {
                again = false;
                foreach (var index in order.ToList())
                    if (refusals[index] is not null && (refusals[index] = ClashOf(index)) is null)
                        (inForce[index], again) = (candidates[index].Written, true);
            }
        }

        FieldError? ClashOf(int index)
        {
            for (var other = 0; other < inForce.Length; other++)
                if (other != index && inForce[other] is { } placed && clash(candidates[index].Written!, placed) is { } found)
                    return found;
            return null;
        }

        int Rank(int index)
        {
            var (name, written, _) = candidates[index];
            return previous.GetValueOrDefault(name) is not { } old ? 3 : written is null ? 0 : samePlace(written, old) ? 1 : refusals[index] is null ? 2 : 0;
        }
    }
}
