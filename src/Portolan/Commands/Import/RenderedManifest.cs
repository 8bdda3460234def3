using System.Text.Json.Nodes;

namespace Portolan.Commands.Import;

/// <summary>
/// What Kubespray's templates rendered (<c>/etc/kubernetes/pools.yaml</c>, <c>layer2.yaml</c>, <c>layer3.yaml</c>, <c>metallb-config.yml</c>), or what people
/// wrote in place of the templates. Their defects are mended: <c>localpref</c>, <c>communities</c> written again for each, names that are none.
/// </summary>
internal static class RenderedManifest
{
    private static readonly string[] Kinds = ["IPAddressPool", "L2Advertisement", "BGPAdvertisement", "BGPPeer", "BFDProfile", "Community"];
    private static readonly string[] Numbers = ["aggregationLength", "aggregationLengthV6", "localPref", "myASN", "peerASN", "localASN", "peerPort", "priority",
        "receiveInterval", "transmitInterval", "echoInterval", "detectMultiplier", "minimumTtl"];
    private static readonly string[] Booleans = ["autoAssign", "avoidBuggyIPs", "ebgpMultiHop", "echoMode", "passiveMode", "disableMP", "enableGracefulRestart", "dualStackAddressFamily"];

    public static bool IsManifest(SourceMap document) =>
        document["kind"] is not null && document["apiVersion"] is not null || document["address-pools"] is not null || document["bgp-communities"] is not null;

    public static void Convert(SourceMap document, ImportedObjects objects, ImportValues values, ImportNotices notices)
    {
        var kind = values.Text(document["kind"], "kind");
        if (Kinds.Contains(kind))
        {
            Object(document, kind!, objects, values, notices);
            return;
        }

        var found = false;
        foreach (var (root, _) in ConfigurationText.Find(document, values, notices))
        {
            found = true;
            MetalLbConfigImport.Convert(root, objects, values, notices);
        }

        if (!found)
            notices.Note(document.Place, "kind", $"{kind} is no configuration of MetalLB; left out");
    }

    private static void Object(SourceMap document, string kind, ImportedObjects objects, ImportValues values, ImportNotices notices)
    {
        var metadata = values.Map(document["metadata"], "metadata");
        if (values.Text(metadata?["name"], "metadata.name") is not { Length: > 0 } source)
        {
            notices.Error(document.Place, "metadata.name", "is missing; the object is left out");
            return;
        }

        var name = objects.Names(kind).Assign(source, "", metadata!["name"]!.Place, "metadata.name", kind == "Community" ? "; its aliases stay" : "");
        if (SourceNode.IsNothing(document["spec"]) || Json(document["spec"]!, $"{kind} {source}: spec", "", values, notices) is not JsonObject spec)
            spec = [];
        objects.Add(kind, name, spec, document.Place);
    }

    private static JsonNode? Json(SourceNode node, string path, string field, ImportValues values, ImportNotices notices)
    {
        switch (values.Resolve(node, path))
        {
            case SourceMap map:
                var result = new JsonObject();
                foreach (var group in map.Entries.GroupBy(entry => entry.Name == "localpref" ? "localPref" : entry.Name, StringComparer.Ordinal))
                    result[group.Key] = Field(group.Key, [.. group], $"{path}.{group.Last().Name}");
                return result;
            case SourceList list:
                return new JsonArray([.. list.Items.Select((item, at) => Json(item, $"{path}[{at}]", "", values, notices))]);
            case SourceScalar scalar when Numbers.Contains(field):
                if (!scalar.IsPlain)
                    notices.Warn(scalar.Place, path, $"\"{scalar.Text}\" is a text, which the API refuses; written as a number");
                return values.Number(scalar, path, 0, uint.MaxValue);
            case SourceScalar scalar when Booleans.Contains(field):
                return values.Boolean(scalar, path);
            case SourceScalar scalar when field is "holdTime" or "keepaliveTime" or "connectTime":
                return values.Duration(scalar, path);
            case SourceScalar scalar:
                return scalar.Text;
            default:
                return null;
        }

        JsonNode? Field(string name, IReadOnlyList<SourceEntry> entries, string at)
        {
            var last = entries[^1];
            if (last.Name == "localpref")
                notices.Warn(last.Place, at, "is misspelt, so that it has no effect; written as localPref");
            if (entries.Count == 1)
                return Json(last.Value, at, name, values, notices);
            if (name != "communities" || entries.Any(entry => entry.Value is not SourceList))
            {
                notices.Warn(last.Place, at, $"is written {entries.Count} times; the last counts");
                return Json(last.Value, at, name, values, notices);
            }

            notices.Warn(last.Place, at, $"is written {entries.Count} times, so that only the last takes effect; all are joined");
            return new JsonArray([.. entries.SelectMany(entry => ((SourceList)entry.Value).Items).Select(item => Json(item, at, "", values, notices))]);
        }
    }
}
