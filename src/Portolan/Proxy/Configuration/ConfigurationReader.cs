using System.Text.Json.Nodes;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Proxy.Configuration;

/// <summary>Reads a <c>KubeProxyConfiguration</c> from YAML or JSON.</summary>
/// <param name="errors">Gets what cannot be read.</param>
/// <param name="warnings">Gets what is left out.</param>
internal sealed class ConfigurationReader(List<FieldError> errors, List<string> warnings)
{
    private static readonly Dictionary<string, ConfigurationField> _fields = ConfigurationFields.All.ToDictionary(field => field.Path);

    private static readonly HashSet<string> _sections =
        [.. ConfigurationFields.All.SelectMany(field => field.Path.Index().Where(at => at.Item == '.').Select(at => field.Path[..at.Index]))];

    private readonly ConfigurationValues _values = new();
    private readonly List<string> _unknown = [];

    /// <summary>Reads a file's text. Of several documents the one of this kind counts: kubeadm's own files hold others beside it.</summary>
    internal ConfigurationValues Read(string text)
    {
        try
        {
            var documents = YamlJson.Documents(text).OfType<JsonObject>().ToList();
            if ((documents.Find(document => IsText(document["kind"], ConfigurationValues.Kind)) ?? documents.FirstOrDefault()) is { } root)
                Read(root);
            else
                errors.Add(new FieldError("kind", "", $"the file holds no {ConfigurationValues.Kind}"));
        }
        catch (FormatException e)
        {
            errors.Add(new FieldError("configuration", "", e.Message));
        }

        if (_unknown.Count > 0)
            warnings.Add($"fields that {ConfigurationValues.Kind} does not have are left out: {string.Join(", ", _unknown)}");
        return _values;
    }

    private void Read(JsonObject root)
    {
        if (!IsText(root["kind"], ConfigurationValues.Kind))
            errors.Add(new FieldError("kind", "", $"{root["kind"]?.ToJsonString() ?? "nothing"} is not {ConfigurationValues.Kind}"));
        else if (!IsText(root["apiVersion"], ConfigurationValues.ApiVersion))
            errors.Add(new FieldError("apiVersion", "", $"{root["apiVersion"]?.ToJsonString() ?? "nothing"} is not {ConfigurationValues.ApiVersion}"));
        else
            ReadSection(root, "");
    }

    private void ReadSection(JsonObject section, string prefix)
    {
        foreach (var (name, value) in section)
        {
            var path = prefix + name;
            if (path is "apiVersion" or "kind" or "metadata")
                continue;
            if (_fields.TryGetValue(path, out var field))
                ReadField(field, value);
            else if (!_sections.Contains(path))
                _unknown.Add(path);
            else if (value is JsonObject below)
                ReadSection(below, path + ".");
            else if (value is not null)
                errors.Add(new FieldError(path, "", $"{value.ToJsonString()} is not a group of fields"));
        }
    }

    private void ReadField(ConfigurationField field, JsonNode? node)
    {
        if (node is null)
            return;
        if (field.Read(node, out var value) is { } problem)
            errors.Add(new FieldError(field.Path, "", problem));
        else
            _values.Set(field, value);
    }

    private static bool IsText(JsonNode? node, string text) => node is JsonValue value && value.TryGetValue(out string? written) && written == text;
}
