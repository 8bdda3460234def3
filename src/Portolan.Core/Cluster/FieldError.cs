namespace Portolan.Core.Cluster;

/// <summary>What is wrong with one field of an object, in the words the user needs to find and mend it.</summary>
/// <param name="Path">The field, e.g. <c>spec.addresses[1]</c>.</param>
/// <param name="Value">What is written there.</param>
/// <param name="Rule">The rule it breaks.</param>
public readonly record struct FieldError(string Path, string Value, string Rule)
{
    /// <summary><c>path: value: rule</c>.</summary>
    public override string ToString() => string.IsNullOrEmpty(Value) ? $"{Path}: {Rule}" : $"{Path}: {Value}: {Rule}";
}
