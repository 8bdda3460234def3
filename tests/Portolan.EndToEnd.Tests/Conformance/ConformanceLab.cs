namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>A lab without Portolan for other people's clients.</summary>
public sealed class ConformanceLab : IAsyncLifetime
{
    private Dictionary<string, Task<IReadOnlyList<Trial>>>? _trials;

    internal Lab Lab { get; } = new("clients");

    public ValueTask InitializeAsync()
    {
        Lab.Down();
        Lab.Up("--nodes 2 --without-portolan");
        return ValueTask.CompletedTask;
    }

    /// <summary>All chosen versions are tried at once, since each mostly waits; begun when the first result is asked for.</summary>
    internal Task<IReadOnlyList<Trial>> TrialsOf(string version)
    {
        var chosen = ClientUnderTest.Versions().Select(row => row.Data).ToHashSet();
        _trials ??= ClientUnderTest.All.Where(c => chosen.Contains(c.Version)).ToDictionary(c => c.Version, c => new KubectlTrial(Lab, c).RunAsync());
        return _trials[version];
    }

    public ValueTask DisposeAsync()
    {
        Lab.Down();
        return ValueTask.CompletedTask;
    }
}

[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ConformanceCollection : ICollectionFixture<ConformanceLab>
{
    public const string Name = "clients";
}
