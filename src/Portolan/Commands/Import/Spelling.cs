namespace Portolan.Commands.Import;

/// <summary>Finds the word that was probably meant.</summary>
internal static class Spelling
{
    /// <summary><c> (did you mean …?)</c>, or nothing.</summary>
    public static string Hint(string word, ReadOnlySpan<string> known)
    {
        var (best, distance) = ("", 3);
        foreach (var candidate in known)
            if (Distance(word, candidate) is var d && d < distance)
                (best, distance) = (candidate, d);
        return best.Length > 0 ? $" (did you mean {best}?)" : "";
    }

    // Levenshtein, one row at a time.
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 2)
            return int.MaxValue;
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }

        return row[b.Length];
    }
}
