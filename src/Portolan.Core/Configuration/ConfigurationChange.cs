namespace Portolan.Core.Configuration;

/// <summary>What somebody is about to do to one object of the configuration.</summary>
public sealed record ConfigurationChange
{
    private ConfigurationChange(ConfigurationKind kind, string name, ConfigurationSpec? spec) => (Kind, Name, Spec) = (kind, name, spec);

    /// <summary>The object's kind.</summary>
    public ConfigurationKind Kind { get; }

    /// <summary>The object's name.</summary>
    public string Name { get; }

    /// <summary>The object as it is to be; null when it is to be deleted.</summary>
    public ConfigurationSpec? Spec { get; }

    /// <summary>The object is made or changed.</summary>
    public static ConfigurationChange Write(ConfigurationSpec spec) => new(spec.Kind, spec.Name, spec);

    /// <summary>The object goes.</summary>
    public static ConfigurationChange Delete(ConfigurationKind kind, string name) => new(kind, name, null);
}
