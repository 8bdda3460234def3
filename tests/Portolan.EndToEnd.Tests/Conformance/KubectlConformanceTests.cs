namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>Each kubectl does what people do with it, judged by what it prints, and docs/lab.md says the same.</summary>
[Collection(ConformanceCollection.Name)]
public sealed class KubectlConformanceTests(ConformanceLab fixture)
{
    [Theory]
    [MemberData(nameof(ClientUnderTest.Versions), MemberType = typeof(ClientUnderTest))]
    public async Task DoesWhatTheTableSays(string version)
    {
        Assert.SkipUnless(ClientUnderTest.All.Any(c => c.Version == version), $"kubectl {version} is not on this machine; eng/clients.sh fetches 1.20 and 1.35");
        var trials = await fixture.TrialsOf(version);
        var broken = trials.Where(t => t.Failure is not null).Select(t => t.Failure).ToList();
        Assert.True(broken.Count == 0, string.Join("\n\n", broken));
        ConformanceTable.Check("kubectl", version, [.. trials.Select(t => (t.Verb, t.Cell))]);
    }
}
