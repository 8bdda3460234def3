namespace Portolan.Fuzz;

/// <summary>What a run came to.</summary>
/// <param name="Target">What was fuzzed.</param>
/// <param name="Inputs">How many inputs were sent.</param>
/// <param name="Seed">Makes the same inputs again.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="GrownBytes">How much more memory the server held at the end than after the first tenth; 0 when the target has no server.</param>
/// <param name="Tally">What the reactions were, counted by kind.</param>
/// <param name="Failures">What went wrong, with the path of the input that did it.</param>
public sealed record FuzzOutcome(string Target, long Inputs, long Seed, TimeSpan Elapsed, long GrownBytes, string Tally, IReadOnlyList<string> Failures)
{
    /// <summary>One line, and one for each failure.</summary>
    public override string ToString() =>
        string.Join('\n', [$"{Target}: {Inputs} inputs in {Elapsed.TotalSeconds:F0} s, seed {Seed}, grown {GrownBytes / (1024 * 1024)} MiB, {Failures.Count} failures ({Tally})", .. Failures.Select(f => "  " + f)]);
}
