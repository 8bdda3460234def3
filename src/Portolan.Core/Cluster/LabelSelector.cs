namespace Portolan.Core.Cluster;

/// <summary>How a label requirement compares (Kubernetes <c>LabelSelectorRequirement.operator</c>).</summary>
public enum LabelOperator : byte
{
    /// <summary>The label is there with one of the values.</summary>
    In,

    /// <summary>The label is absent, or has none of the values.</summary>
    NotIn,

    /// <summary>The label is there.</summary>
    Exists,

    /// <summary>The label is absent.</summary>
    DoesNotExist,
}

/// <summary>One <c>matchExpressions</c> entry.</summary>
/// <param name="Key">The label's key.</param>
/// <param name="Operator">The comparison.</param>
/// <param name="Values">For In and NotIn at least one; for the others none.</param>
public sealed record LabelRequirement(string Key, LabelOperator Operator, IReadOnlyList<string> Values)
{
    /// <summary>Whether the labels meet the requirement.</summary>
    public bool IsMetBy(IReadOnlyDictionary<string, string> labels) => Operator switch
    {
        LabelOperator.In => labels.TryGetValue(Key, out var value) && Values.Contains(value),
        LabelOperator.NotIn => !labels.TryGetValue(Key, out var value) || !Values.Contains(value),
        LabelOperator.Exists => labels.ContainsKey(Key),
        _ => !labels.ContainsKey(Key),
    };

    /// <inheritdoc/>
    public override string ToString() => Operator switch
    {
        LabelOperator.In => $"{Key} in ({string.Join(",", Values)})",
        LabelOperator.NotIn => $"{Key} notin ({string.Join(",", Values)})",
        LabelOperator.Exists => Key,
        _ => "!" + Key,
    };
}

/// <summary>A Kubernetes <c>LabelSelector</c>: every requirement must be met, and without any everything matches.</summary>
public sealed class LabelSelector
{
    /// <summary>The selector with these requirements.</summary>
    public LabelSelector(IReadOnlyList<LabelRequirement> requirements) => Requirements = requirements;

    /// <summary>All of them must be met.</summary>
    public IReadOnlyList<LabelRequirement> Requirements { get; }

    /// <summary>Whether an object with these labels is selected.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var requirement in Requirements)
            if (!requirement.IsMetBy(labels))
                return false;
        return true;
    }

    /// <summary>
    /// Reads a selector as it is written in an object.
    /// </summary>
    /// <param name="path">The selector's own field path, for the errors.</param>
    /// <param name="matchLabels">Or null.</param>
    /// <param name="matchExpressions">Key, operator as written, values; or null.</param>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The selector, or null when an error was added.</returns>
    public static LabelSelector? Parse(
        string path,
        IReadOnlyDictionary<string, string>? matchLabels,
        IReadOnlyList<(string? Key, string? Operator, IReadOnlyList<string>? Values)>? matchExpressions,
        ICollection<FieldError> errors)
    {
        var before = errors.Count;
        var requirements = new List<LabelRequirement>();
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in matchLabels ?? new Dictionary<string, string>())
        {
            if (!LabelSyntax.IsKey(key))
                errors.Add(new FieldError($"{path}.matchLabels", key, LabelSyntax.KeyRule));
            else if (!LabelSyntax.IsValue(value))
                errors.Add(new FieldError($"{path}.matchLabels[{key}]", value ?? "null", LabelSyntax.ValueRule));
            else
                requirements.Add(new LabelRequirement(key, LabelOperator.In, [value]));
        }

        for (var i = 0; i < (matchExpressions?.Count ?? 0); i++)
        {
            var (key, operation, values) = matchExpressions![i];
            var at = $"{path}.matchExpressions[{i}]";
            values ??= [];
            if (string.IsNullOrEmpty(key))
                errors.Add(new FieldError($"{at}.key", "", "a label key is required"));
            else if (!LabelSyntax.IsKey(key))
                errors.Add(new FieldError($"{at}.key", key, LabelSyntax.KeyRule));
            LabelOperator? parsed = operation switch
            {
                "In" => LabelOperator.In,
                "NotIn" => LabelOperator.NotIn,
                "Exists" => LabelOperator.Exists,
                "DoesNotExist" => LabelOperator.DoesNotExist,
                _ => null,
            };
            if (parsed is null)
                errors.Add(new FieldError($"{at}.operator", operation ?? "", "must be In, NotIn, Exists or DoesNotExist"));
            else if (parsed is LabelOperator.In or LabelOperator.NotIn && values.Count == 0)
                errors.Add(new FieldError($"{at}.values", "", $"{operation} needs at least one value"));
            else if (parsed is LabelOperator.Exists or LabelOperator.DoesNotExist && values.Count > 0)
                errors.Add(new FieldError($"{at}.values", string.Join(",", values), $"{operation} takes no values"));
            else if (Repeated(values) is { } twice)
                errors.Add(new FieldError($"{at}.values", twice, "is listed twice"));
            else if (values.FirstOrDefault(value => !LabelSyntax.IsValue(value)) is { } wrong)
                errors.Add(new FieldError($"{at}.values", wrong, LabelSyntax.ValueRule));
            else if (new LabelRequirement(key ?? "", parsed.Value, [.. values.Order(StringComparer.Ordinal)]) is var requirement && !written.Add(requirement.ToString()))
                errors.Add(new FieldError(at, requirement.ToString(), "is listed twice"));
            else
                requirements.Add(requirement);
        }

        requirements.Sort((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));
        return errors.Count == before ? new LabelSelector(requirements) : null;
    }

    /// <summary>The selector in Kubernetes' text form, requirements in a fixed order: equal selectors have equal texts.</summary>
    public override string ToString() => string.Join(",", Requirements);

    private static string? Repeated(IReadOnlyList<string> values)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return values.FirstOrDefault(value => !seen.Add(value));
    }
}
