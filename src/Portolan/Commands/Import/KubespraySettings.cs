using System.Text.Json.Nodes;

namespace Portolan.Commands.Import;

/// <summary>What in Kubespray's variables is about the processes, not the addresses: it becomes values of the Helm chart.</summary>
internal static class KubespraySettings
{
    private static readonly string[] Images =
        ["metallb_version", "metallb_image_tag", "metallb_speaker_image_repo", "metallb_controller_image_repo", "metallb_speaker_image_tag", "metallb_controller_image_tag"];

    public static JsonObject HelmValues(KubesprayVariables variables, ImportNotices notices)
    {
        var values = new JsonObject();
        var reader = variables.Values;
        var config = reader.Map(variables.Node("metallb_config"), "metallb_config");
        foreach (var role in new[] { "controller", "speaker" })
        {
            var part = config is null ? null : reader.Map(config[role], $"metallb_config.{role}");
            if (part is not null)
                reader.OnlyKnown(part, $"metallb_config.{role}", "nodeselector", "tolerations");
            foreach (var (word, field) in new[] { ("nodeselector", "nodeSelector"), ("tolerations", "tolerations") })
            {
                var (node, path) = config is null ? (variables.Node($"metallb_{role}_{word}"), $"metallb_{role}_{word}") : (part?[word], $"metallb_config.{role}.{word}");
                if (!SourceNode.IsNothing(node) && Json(node!, path, reader) is { } json && json is not JsonArray { Count: 0 } and not JsonObject { Count: 0 })
                    Set(node!, path, role, field, json);
            }
        }

        if (variables.Boolean("metallb_speaker_enabled") is false)
        {
            var place = variables.Find("metallb_speaker_enabled")!;
            (values["speaker"] ??= new JsonObject())["enabled"] = false;
            notices.Warn(place.Place, place.Name, "is false: only the controller gives out addresses, and something else, such as Calico, must announce them; value speaker.enabled of the chart");
        }

        if (variables.Text("metallb_log_level") is { Length: > 0 } level)
        {
            Set(variables.Node("metallb_log_level")!, "metallb_log_level", "controller", "logLevel", level);
            Set(variables.Node("metallb_log_level")!, "metallb_log_level", "speaker", "logLevel", level);
        }

        if (variables.Text("metallb_loadbalancer_class") is { Length: > 0 } lbClass)
        {
            values["loadBalancerClass"] = lbClass;
            notices.Note(variables.Find("metallb_loadbalancer_class")!.Place, "metallb_loadbalancer_class", "value loadBalancerClass of the chart, flag --lb-class of controller and speaker");
        }

        if (reader.Number(variables.Node("metallb_port"), "metallb_port", 1, 65535) is { } port && port != 7472)
        {
            values["prometheus"] = new JsonObject { ["metricsPort"] = port };
            notices.Note(variables.Find("metallb_port")!.Place, "metallb_port", "value prometheus.metricsPort of the chart");
        }

        if (reader.Number(variables.Node("metallb_memberlist_port"), "metallb_memberlist_port", 1, 65535) is { } memberlist && memberlist != 7946)
            notices.Warn(variables.Find("metallb_memberlist_port")!.Place, "metallb_memberlist_port", "changed only what the pod declared, never where the speakers meet (7946); left out");
        foreach (var limit in new[] { "metallb_limits_cpu", "metallb_limits_mem" })
            if (variables.Find(limit) is { } written)
                notices.Note(written.Place, limit, "was read up to Kubespray 2.16; resources are values of the chart");
        foreach (var image in Images)
            if (variables.Find(image) is { } written)
                notices.Note(written.Place, image, "names MetalLB's image; Portolan's is given to portolan install with --image");
        return values;

        void Set(SourceNode node, string path, string role, string field, JsonNode value)
        {
            (values[role] ??= new JsonObject())[field] = value;
            notices.Note(node.Place, path, $"value {role}.{field} of the chart");
        }
    }

    // Selectors and tolerations are copied as they are; what looks like a number or boolean in them is text to the API.
    private static JsonNode? Json(SourceNode node, string path, ImportValues reader) => reader.Resolve(node, path) switch
    {
        SourceMap map => new JsonObject(map.Entries.Select(entry => KeyValuePair.Create(entry.Name, Json(entry.Value, $"{path}.{entry.Name}", reader)))),
        SourceList list => new JsonArray([.. list.Items.Select((item, at) => Json(item, $"{path}[{at}]", reader))]),
        SourceScalar scalar => path.EndsWith(".tolerationSeconds", StringComparison.Ordinal) && long.TryParse(scalar.Text, out var seconds) ? seconds : scalar.Text,
        _ => "",
    };
}
