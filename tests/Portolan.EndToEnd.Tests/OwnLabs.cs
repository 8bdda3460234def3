namespace Portolan.EndToEnd.Tests;

/// <summary>Tests that make a lab to their own wishes, one after the other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OwnLabs
{
    public const string Name = "own labs";
}
