using System.Collections.Immutable;

namespace Portolan.Core.Configuration;

/// <summary>
/// All objects of the configuration as they were last seen, right or wrong, and what of the cluster they are judged by. A value: whoever
/// changes it makes another one, so it may be handed from thread to thread.
/// </summary>
public sealed record ConfigurationObjects
{
    /// <summary>Nothing seen yet.</summary>
    public static readonly ConfigurationObjects Empty = new();

    private ImmutableDictionary<(ConfigurationKind Kind, string Name), ConfigurationSpec> Specs { get; init; } =
        ImmutableDictionary<(ConfigurationKind, string), ConfigurationSpec>.Empty;

    /// <summary>The namespace whose objects count; empty when any does.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>The labels of each Node, by its name; null while they are not known, and then any two objects may meet on some node.</summary>
    public ImmutableDictionary<string, IReadOnlyDictionary<string, string>>? Nodes { get; init; }

    /// <summary>The Secrets that were looked up, by name: null where there is none. A name that is not here was not looked up.</summary>
    public ImmutableDictionary<string, SecretFacts?> Secrets { get; init; } = ImmutableDictionary<string, SecretFacts?>.Empty;

    /// <summary>The objects of one kind, the oldest first, then by name.</summary>
    /// <typeparam name="T">The kind's specification.</typeparam>
    public IEnumerable<T> All<T>()
        where T : ConfigurationSpec => Specs.Values.OfType<T>().OrderBy(spec => spec.CreatedAt).ThenBy(spec => spec.Name, StringComparer.Ordinal);

    /// <summary>The object, or null.</summary>
    public ConfigurationSpec? Find(ConfigurationKind kind, string name) => Specs.GetValueOrDefault((kind, name));

    /// <summary>Only the objects of these kinds.</summary>
    public ConfigurationObjects Only(params ReadOnlySpan<ConfigurationKind> kinds)
    {
        var left = Specs;
        foreach (var key in Specs.Keys)
            if (!kinds.Contains(key.Kind))
                left = left.Remove(key);
        return this with { Specs = left };
    }

    /// <summary>With this object, in place of an earlier version of it.</summary>
    public ConfigurationObjects With(ConfigurationSpec spec) => this with { Specs = Specs.SetItem((spec.Kind, spec.Name), spec) };

    /// <summary>Without this object.</summary>
    public ConfigurationObjects Without(ConfigurationKind kind, string name) => this with { Specs = Specs.Remove((kind, name)) };

    /// <summary>With these labels of a Node, or, when null, without the Node.</summary>
    public ConfigurationObjects WithNode(string name, IReadOnlyDictionary<string, string>? labels)
    {
        var nodes = Nodes ?? ImmutableDictionary.Create<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        return this with { Nodes = labels is null ? nodes.Remove(name) : nodes.SetItem(name, labels) };
    }
}
