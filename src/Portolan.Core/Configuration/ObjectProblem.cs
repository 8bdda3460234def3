using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>Which version of an object is used.</summary>
public enum Standing : byte
{
    /// <summary>None.</summary>
    NotInForce,

    /// <summary>An earlier one than is written now.</summary>
    PreviousInForce,

    /// <summary>The one that is written now.</summary>
    InForce,
}

/// <summary>One thing that is wrong with one object of the configuration.</summary>
/// <param name="Kind">The object's kind.</param>
/// <param name="Name">The object's name.</param>
/// <param name="Error">The field and the rule.</param>
/// <param name="Standing">Which version of the object is used nevertheless.</param>
public readonly record struct ObjectProblem(ConfigurationKind Kind, string Name, FieldError Error, Standing Standing)
{
    /// <summary><c>Kind name: path: value: rule</c>.</summary>
    public override string ToString() => $"{Kind} {Name}: {Error}";
}
