using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>What of a pod a container may ask for: fieldRef and resourceFieldRef of the downward API.</summary>
internal sealed class PodFields(Pod pod, IPAddress podAddress, NodeFigures node)
{
    /// <exception cref="FormatException">The API has no such field for this purpose.</exception>
    public string Field(string path)
    {
        var bracket = path.IndexOf('[', StringComparison.Ordinal);
        if (bracket > 0 && path.EndsWith(']'))
        {
            var key = path[(bracket + 1)..^1].Trim('\'', '"');
            return path[..bracket] switch
            {
                "metadata.labels" => pod.Metadata.Labels?.GetValueOrDefault(key) ?? "",
                "metadata.annotations" => pod.Metadata.Annotations?.GetValueOrDefault(key) ?? "",
                _ => throw Unknown(path),
            };
        }
        return path switch
        {
            "metadata.name" => pod.Name,
            "metadata.namespace" => pod.Namespace,
            "metadata.uid" => pod.Uid,
            "metadata.labels" => Lines(pod.Metadata.Labels),
            "metadata.annotations" => Lines(pod.Metadata.Annotations),
            "spec.nodeName" => node.Name,
            "spec.serviceAccountName" => pod.Spec.ServiceAccountName ?? "default",
            "status.podIP" => podAddress.ToString(),
            "status.podIPs" => string.Join(',', node.AddressesOf(podAddress)),
            "status.hostIP" => node.Address.ToString(),
            "status.hostIPs" => string.Join(',', node.AddressesOf(node.Address)),
            _ => throw Unknown(path),
        };
    }

    /// <summary>A limit that is not set is the node's own figure, as Kubernetes has it.</summary>
    /// <exception cref="FormatException">There is no such resource.</exception>
    public string Resource(ResourceFieldRef reference, Container self)
    {
        var container = pod.Spec.Containers.FirstOrDefault(c => c.Name == reference.ContainerName) ?? self;
        var (kind, name) = reference.Resource.Split('.', 2) is [var k, var n] ? (k, n) : throw Unknown(reference.Resource);
        var values = kind == "limits" ? container.Resources?.Limits : kind == "requests" ? container.Resources?.Requests : throw Unknown(reference.Resource);
        var quantity = values?.TryGetValue(name, out var set) == true && Quantity(set) is { } given ? given : (kind, name) switch
        {
            ("limits", "cpu") => node.Cpus,
            ("limits", "memory") => node.MemoryBytes,
            _ => 0,
        };
        var divisor = reference.Divisor.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? 1 : Quantity(reference.Divisor) is { } unit and > 0 ? unit : 1;
        return Math.Ceiling(quantity / divisor).ToString(CultureInfo.InvariantCulture);
    }

    internal static decimal? Quantity(JsonElement value)
    {
        var text = value.ValueKind is JsonValueKind.Number ? value.GetRawText() : value.GetString() ?? "";
        (string Suffix, decimal Factor)[] suffixes = [("Ki", 1024), ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1L << 40), ("m", 0.001m), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000), ("", 1)];
        foreach (var (suffix, factor) in suffixes)
            if (text.EndsWith(suffix, StringComparison.Ordinal))
                return decimal.TryParse(text[..^suffix.Length], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number * factor : null;
        return null;
    }

    private static string Lines(Dictionary<string, string>? map) =>
        string.Join('\n', (map ?? []).OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key}=\"{e.Value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));

    private static FormatException Unknown(string path) => new($"unsupported field path \"{path}\"");
}

/// <summary>What a node says of itself.</summary>
internal sealed record NodeFigures(string Name, IPAddress Address, int Cpus, long MemoryBytes)
{
    /// <summary>Of every family, the given first: the addresses of the host or pod that has this one.</summary>
    public Func<IPAddress, IReadOnlyList<IPAddress>> AddressesOf { get; init; } = address => [address];
}
