using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>A Community (metallb.io/v1beta1) as it is written: names for BGP communities.</summary>
public sealed record CommunitySpec : ConfigurationSpec
{
    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.Community;

    /// <summary><c>spec.communities</c>: alias and value.</summary>
    public IReadOnlyList<(string Alias, string Value)> Communities { get; init; } = [];

    /// <summary>Checks the object by itself; that its aliases are in no other object is for <see cref="CommunityAliases.Clash"/> to say.</summary>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The aliases, or null when an error was added.</returns>
    public CommunityAliases? Parse(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        if (!AddReadErrors(errors))
            return null;
        var values = new List<(string, BgpCommunity)>(Communities.Count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Communities.Count; i++)
        {
            var (alias, text) = Communities[i];
            if (!seen.Add(alias))
                errors.Add(new FieldError($"spec.communities[{i}].name", alias, "is listed twice"));
            if (BgpCommunity.Parse(text, out var value) is { } rule)
                errors.Add(new FieldError($"spec.communities[{i}].value", text, rule));
            values.Add((alias, value));
        }

        return errors.Count == before ? new CommunityAliases(Name, values) : null;
    }
}

/// <summary>A checked Community.</summary>
/// <param name="Name">The object's name.</param>
/// <param name="Values">Each alias, and what it stands for.</param>
public sealed record CommunityAliases(string Name, IReadOnlyList<(string Alias, BgpCommunity Value)> Values)
{
    /// <summary>The alias that the other object gives a meaning, too, or null.</summary>
    public FieldError? Clash(CommunityAliases other)
    {
        for (var i = 0; i < Values.Count; i++)
            foreach (var (alias, _) in other.Values)
                if (alias == Values[i].Alias)
                    return new FieldError($"spec.communities[{i}].name", alias, $"Community {other.Name} has the same name");
        return null;
    }

    /// <summary>Whether it clashes with the same objects as the other.</summary>
    public bool SamePlace(CommunityAliases other) => Values.Select(value => value.Alias).SequenceEqual(other.Values.Select(value => value.Alias));
}
