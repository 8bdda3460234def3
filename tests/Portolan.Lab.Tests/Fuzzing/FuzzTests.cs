using Portolan.Fuzz;

namespace Portolan.Lab.Tests.Fuzzing;

/// <summary>Every target's corpus, and a moment of mutations of it; <c>./fuzz.sh</c> goes on for longer.</summary>
public sealed class FuzzTests
{
    private const int Inputs = 400;

    public static TheoryData<string> Names => [.. Targets.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task EveryInputIsAnswered(string target)
    {
        var outcome = await FuzzRun.RunAsync(target, Corpus.Directory(target), Inputs, TimeSpan.FromMinutes(2), Random.Shared.NextInt64(), TextWriter.Null);
        Assert.True(outcome.Failures.Count == 0, outcome.ToString());
        Assert.Equal(Inputs, outcome.Inputs);
    }
}
