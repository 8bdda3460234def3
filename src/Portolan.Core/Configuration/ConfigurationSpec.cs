using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>What every object of the configuration has: as it is written, not yet checked.</summary>
public abstract record ConfigurationSpec
{
    /// <summary>Which kind it is.</summary>
    public abstract ConfigurationKind Kind { get; }

    /// <summary><c>metadata.name</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>metadata.namespace</c>; empty when unknown.</summary>
    public string Namespace { get; init; } = "";

    /// <summary><c>metadata.creationTimestamp</c>, seconds since 1970; 0 when unknown.</summary>
    public long CreatedAt { get; init; }

    /// <summary>What was already wrong when the object was read, e.g. in its selectors, or a field of another type.</summary>
    public IReadOnlyList<FieldError> ReadErrors { get; init; } = [];

    /// <summary>False: a field is of another type than it should be, so that nothing of <c>spec</c> could be read and only <see cref="ReadErrors"/> counts.</summary>
    public bool IsReadable { get; init; } = true;

    /// <summary>Adds what was wrong when the object was read.</summary>
    /// <returns>Whether there is anything to check beyond that.</returns>
    internal bool AddReadErrors(ICollection<FieldError> errors)
    {
        foreach (var error in ReadErrors)
            errors.Add(error);
        return IsReadable;
    }
}
