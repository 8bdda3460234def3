using System.Text.Json.Nodes;

namespace Portolan.Proxy.Configuration;

/// <summary>What the fields are set to. One that is not set has kube-proxy's default.</summary>
internal sealed class ConfigurationValues
{
    /// <summary>The version that is read and written.</summary>
    internal const string ApiVersion = "kubeproxy.config.k8s.io/v1alpha1";

    /// <summary>The kind that is read and written.</summary>
    internal const string Kind = "KubeProxyConfiguration";

    private readonly Dictionary<ConfigurationField, object?> _given = [];

    /// <summary>The value of a field.</summary>
    internal T Get<T>(ConfigurationField<T> field) => (T)(_given.TryGetValue(field, out var value) ? value : field.Default)!;

    /// <summary>Sets a field to what <see cref="ConfigurationField.Read"/> or <see cref="ConfigurationField.Parse"/> gave for it.</summary>
    internal void Set(ConfigurationField field, object? value) => _given[field] = value;

    /// <summary>Something is said of the field.</summary>
    internal bool Has(ConfigurationField field) => _given.ContainsKey(field);

    /// <summary>What is said of one field is meant for another.</summary>
    internal void Move(ConfigurationField of, ConfigurationField instead)
    {
        if (_given.Remove(of, out var value))
            _given[instead] = value;
    }

    /// <summary>Takes over from another what it says of the field.</summary>
    internal void SetFrom(ConfigurationValues other, ConfigurationField field)
    {
        if (other._given.TryGetValue(field, out var value))
            _given[field] = value;
    }

    /// <summary>The fields that are set to something that nothing will come of.</summary>
    internal IEnumerable<ConfigurationField> WithoutEffect =>
        ConfigurationFields.All.Where(each => each.Unused is not null && _given.TryGetValue(each, out var value) && !each.IsDefault(value) && !IsEmpty(each.Write(value)));

    /// <summary>The whole configuration as a file has it, defaults included: what <c>/configz</c> serves and <c>--write-config-to</c> writes.</summary>
    internal JsonObject ToJson()
    {
        var root = new JsonObject { ["apiVersion"] = ApiVersion, ["kind"] = Kind };
        foreach (var field in ConfigurationFields.All)
        {
            var isGiven = _given.TryGetValue(field, out var value);
            if (field.Unused is not null && !isGiven)
                continue;
            var at = root;
            var names = field.Path.Split('.');
            foreach (var section in names.AsSpan(0, names.Length - 1))
            {
                if (at[section] is not JsonObject below)
                    at[section] = below = new JsonObject();
                at = below;
            }

            at[names[^1]] = field.Write(isGiven ? value : field.Default);
        }

        return root;
    }

    // A generated file names every field; zeros, empty texts and lists are nobody's wish.
    private static bool IsEmpty(JsonNode? value) => value?.ToJsonString() is null or "0" or "\"\"" or "\"0\"" or "\"0s\"" or "false" or "[]" or "{}";
}
