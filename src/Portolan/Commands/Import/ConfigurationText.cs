namespace Portolan.Commands.Import;

/// <summary>Finds MetalLB's configuration in what <c>kubectl get configmap -o yaml</c> prints, in a manifest, or bare.</summary>
internal static class ConfigurationText
{
    private const string Key = "config";

    /// <summary>The configurations in a document, each with the namespace of its ConfigMap when it has one.</summary>
    public static IEnumerable<(SourceMap Root, string? Namespace)> Find(SourceNode document, ImportValues values, ImportNotices notices)
    {
        if (document is not SourceMap map)
            return [];
        return (map["kind"] as SourceScalar)?.Text switch
        {
            "List" or "ConfigMapList" => ((map["items"] as SourceList)?.Items ?? []).SelectMany(item => Find(item, values, notices)),
            "ConfigMap" => InConfigMap(map, values, notices),
            null when map["address-pools"] is not null || map["peers"] is not null || map["bfd-profiles"] is not null || map["bgp-communities"] is not null => [(map, null)],
            // Only the data of the ConfigMap.
            null when map[Key] is not null => Parse(map[Key]!, null, notices),
            _ => [],
        };
    }

    private static IEnumerable<(SourceMap, string?)> InConfigMap(SourceMap map, ImportValues values, ImportNotices notices)
    {
        var metadata = map["metadata"] as SourceMap;
        // A list of all ConfigMaps holds others too.
        return (map["data"] as SourceMap)?[Key] is { } text ? Parse(text, values.Text(metadata?["namespace"], "metadata.namespace"), notices) : [];
    }

    private static IEnumerable<(SourceMap, string?)> Parse(SourceNode text, string? ns, ImportNotices notices)
    {
        if (text is SourceMap already)
            return [(already, ns)];
        if (text is not SourceScalar scalar)
            return [];
        try
        {
            // In the text of a quoted scalar lines are not the file's: then all are said to be on its first.
            var isBlock = scalar.FirstLine != scalar.Place.Line;
            return [.. SourceReader.Documents(scalar.Text, scalar.Place.File, isBlock ? scalar.FirstLine - 1 : scalar.Place.Line - 1).OfType<SourceMap>().Select(root => (root, ns))];
        }
        catch (SourceException e)
        {
            notices.Error(e.Place, "data.config", e.Message);
            return [];
        }
    }
}
