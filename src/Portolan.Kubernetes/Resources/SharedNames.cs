namespace Portolan.Kubernetes.Resources;

/// <summary>
/// Names that many objects carry, such as those of nodes, zones and ports: JSON gives each object a string of its own, here equal ones become one.
/// A few are remembered, and a new one takes the place of another: it forgets what is not used any more, and nobody can fill it up.
/// </summary>
internal static class SharedNames
{
    private const int Size = 4096; // a power of two; a large cluster's nodes, and 32 KiB

    private static readonly string?[] _names = new string?[Size];

    /// <summary>An equal string, where possible one that others have.</summary>
    internal static string Share(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return "";
        // Threads that meet here at worst each keep their own.
        ref var known = ref _names[name.GetHashCode(StringComparison.Ordinal) & (Size - 1)];
        if (known is { } shared && shared == name)
            return shared;
        return known = name;
    }
}
