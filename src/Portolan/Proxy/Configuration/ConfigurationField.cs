using System.Text.Json.Nodes;

namespace Portolan.Proxy.Configuration;

/// <summary>A field of <c>KubeProxyConfiguration</c> v1alpha1, and the flag that says the same.</summary>
internal abstract class ConfigurationField
{
    private protected ConfigurationField(string path, string? flag, string? unused)
    {
        Path = path;
        Flag = flag;
        Unused = unused;
    }

    /// <summary>Where it is in the file: <c>conntrack.maxPerCore</c>.</summary>
    internal string Path { get; }

    /// <summary>The flag with its dashes; null where the field has none.</summary>
    internal string? Flag { get; }

    /// <summary>What the flag's help says of it; empty where nothing comes of it, or it has no flag.</summary>
    internal string Means { get; init; } = "";

    /// <summary>What stands for a value in help.</summary>
    internal abstract string ValueName { get; }

    /// <summary>Why nothing comes of it; null where something does.</summary>
    internal string? Unused { get; }

    /// <summary>Every time the flag is given adds to its value, instead of replacing it.</summary>
    internal abstract bool Accumulates { get; }

    internal abstract object? Default { get; }

    /// <summary>Reads a value of a file.</summary>
    /// <param name="node">The value.</param>
    /// <param name="value">What it is once read.</param>
    /// <returns>What is wrong with it, or null.</returns>
    internal abstract string? Read(JsonNode node, out object? value);

    /// <summary>Reads what stands behind the flag.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    internal abstract string? Parse(string text, out object? value);

    internal abstract JsonNode? Write(object? value);

    /// <summary>The value is the one that holds where nothing is said.</summary>
    internal bool IsDefault(object? value) => JsonNode.DeepEquals(Write(value), Write(Default));

    public override string ToString() => Path;
}

/// <inheritdoc/>
/// <typeparam name="T">What its value is.</typeparam>
/// <param name="path">Where it is in the file.</param>
/// <param name="form">How its values are written.</param>
/// <param name="default">What holds where nothing is said.</param>
/// <param name="flag">The flag, or null.</param>
/// <param name="unused">Why nothing comes of it, or null.</param>
internal sealed class ConfigurationField<T>(string path, FieldForm<T> form, T @default, string? flag = null, string? unused = null) : ConfigurationField(path, flag, unused)
{
    internal override string ValueName => form.ValueName;

    internal override bool Accumulates => form is FieldForm<IReadOnlyList<string>> or FieldForm<IReadOnlyDictionary<string, bool>>;

    internal override object? Default => @default;

    internal override string? Read(JsonNode node, out object? value)
    {
        var isRead = form.TryRead(node, out var typed);
        value = typed;
        return isRead ? null : $"{node.ToJsonString()} is not {form.Name}";
    }

    internal override string? Parse(string text, out object? value)
    {
        var isRead = form.TryParse(text, out var typed);
        value = typed;
        return isRead ? null : $"\"{text}\" is not {form.Name}";
    }

    internal override JsonNode? Write(object? value) => form.Write((T)value!);
}
