using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Auth.Reviews;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>What is served, in both forms: one aggregated document, and the older one document per group and version. Cached until what is served changes.</summary>
internal sealed class Discovery(KindRegistry kinds, string serverAddress)
{
    private static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    // Well-known groups first, as real servers order them; others follow by name.
    private static readonly string[] GroupOrder =
    [
        "", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "networking.k8s.io", "policy",
        "rbac.authorization.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io",
        "discovery.k8s.io",
    ];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HashedDocument> _cache = new(StringComparer.Ordinal);
    private int _generation;

    /// <returns>Null when the path is none of discovery's, or names nothing served.</returns>
    public (HashedDocument Document, string ContentType)? Find(string path, string accept)
    {
        if (path is "/api" or "/apis" && Aggregated(accept) is { } version)
            return (Cached($"{path}?{version}", () => AggregatedDocument(path == "/api", version)), $"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
        var parts = path.Trim('/').Split('/');
        Func<JsonObject>? make = parts switch
        {
            ["api"] => () => new()
            {
                ["kind"] = "APIVersions", ["versions"] = JsonText.Strings(["v1"]),
                ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = serverAddress }),
            },
            ["apis"] => () => new() { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = new JsonArray([.. Groups().Where(g => g.Length > 0).Select(g => (JsonNode)Group(g))]) },
            ["apis", var group] when Groups().Contains(group) => () =>
            {
                var document = Group(group);
                document["kind"] = "APIGroup";
                document["apiVersion"] = "v1";
                return document;
            },
            ["api", var version1] when Versions("").Contains(version1) => () => ResourceList("", version1),
            ["apis", var group, var version1] when Versions(group).Contains(version1) => () => ResourceList(group, version1),
            _ => null,
        };
        return make is null ? null : (Cached(path.TrimEnd('/'), make), "application/json");
    }

    /// <summary>All (group, version) pairs served.</summary>
    public IEnumerable<(string Group, string Version)> GroupVersions() => Groups().SelectMany(g => Versions(g).Select(v => (g, v)));

    public IReadOnlyList<KindSchema> KindsOf(string group, string version) =>
        [.. kinds.All.Where(r => r.Group == group).SelectMany(r => r.Versions).Where(k => k.Version == version).OrderBy(k => k.Plural, StringComparer.Ordinal)];

    private static string? Aggregated(string accept)
    {
        foreach (var offer in accept.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!offer.Contains("as=APIGroupDiscoveryList", StringComparison.Ordinal)) continue;
            if (offer.Contains("v=v2beta1", StringComparison.Ordinal)) return "v2beta1";
            if (offer.Contains("v=v2", StringComparison.Ordinal)) return "v2";
        }

        return null;
    }

    private HashedDocument Cached(string key, Func<JsonObject> make)
    {
        lock (_lock)
        {
            if (_generation != kinds.Generation)
            {
                _cache.Clear();
                _generation = kinds.Generation;
            }

            if (!_cache.TryGetValue(key, out var document)) _cache[key] = document = HashedDocument.Of(JsonText.ToBytes(make()));
            return document;
        }
    }

    private List<string> Groups() =>
        [.. kinds.All.Select(r => r.Group).Distinct().OrderBy(g => Array.IndexOf(GroupOrder, g) is >= 0 and var i ? i : int.MaxValue).ThenBy(g => g, StringComparer.Ordinal)];

    // The versions of a group, the preferred one first, whatever kinds it has them of.
    private List<string> Versions(string group) =>
        [.. kinds.All.Where(r => r.Group == group).SelectMany(r => r.Versions.Select(k => k.Version)).Distinct().OrderBy(VersionPriority.Of)];

    private JsonObject Group(string group)
    {
        var versions = Versions(group).Select(v => new JsonObject { ["groupVersion"] = $"{group}/{v}", ["version"] = v }).ToList();
        return new() { ["name"] = group, ["versions"] = new JsonArray([.. versions]), ["preferredVersion"] = versions[0].DeepClone() };
    }

    private JsonObject AggregatedDocument(bool core, string version)
    {
        var items = new JsonArray();
        foreach (var group in Groups().Where(g => g.Length == 0 == core))
        {
            var versions = new JsonArray();
            foreach (var v in Versions(group))
                versions.Add((JsonNode)new JsonObject
                {
                    ["version"] = v, ["freshness"] = "Current",
                    ["resources"] = new JsonArray([.. KindsOf(group, v).Select(k => (JsonNode)AggregatedResource(k))]),
                });
            var metadata = new JsonObject { ["creationTimestamp"] = null };
            if (group.Length > 0) metadata["name"] = group;
            items.Add((JsonNode)new JsonObject { ["metadata"] = metadata, ["versions"] = versions });
        }

        return new() { ["kind"] = "APIGroupDiscoveryList", ["apiVersion"] = $"apidiscovery.k8s.io/{version}", ["metadata"] = new JsonObject(), ["items"] = items };
    }

    private static JsonObject AggregatedResource(KindSchema kind)
    {
        var resource = new JsonObject
        {
            ["resource"] = kind.Plural,
            ["responseKind"] = ResponseKind(kind.Group, kind.Version, kind.Kind),
            ["scope"] = kind.Namespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = kind.Singular,
            ["verbs"] = JsonText.Strings(Verbs(kind)),
        };
        if (kind.ShortNames.Count > 0) resource["shortNames"] = JsonText.Strings(kind.ShortNames);
        if (kind.Categories.Count > 0) resource["categories"] = JsonText.Strings(kind.Categories);
        if (kind.Subresources.Count > 0)
            resource["subresources"] = new JsonArray([.. kind.Subresources.Select(s =>
            {
                var (group, version, name) = SubresourceKind(kind, s);
                return (JsonNode)new JsonObject { ["subresource"] = s, ["responseKind"] = ResponseKind(group, version, name), ["verbs"] = JsonText.Strings(SubresourceVerbs(s)) };
            })]);
        return resource;
    }

    private JsonObject ResourceList(string group, string version)
    {
        var resources = new JsonArray();
        foreach (var kind in KindsOf(group, version))
        {
            var resource = new JsonObject
            {
                ["name"] = kind.Plural, ["singularName"] = kind.Singular, ["namespaced"] = kind.Namespaced, ["kind"] = kind.Kind, ["verbs"] = JsonText.Strings(Verbs(kind)),
            };
            if (kind.ShortNames.Count > 0) resource["shortNames"] = JsonText.Strings(kind.ShortNames);
            if (kind.Categories.Count > 0) resource["categories"] = JsonText.Strings(kind.Categories);
            resources.Add((JsonNode)resource);
            foreach (var sub in kind.Subresources)
            {
                var (g, v, name) = SubresourceKind(kind, sub);
                var entry = new JsonObject
                {
                    ["name"] = $"{kind.Plural}/{sub}", ["singularName"] = "", ["namespaced"] = kind.Namespaced, ["kind"] = name, ["verbs"] = JsonText.Strings(SubresourceVerbs(sub)),
                };
                if ((g, v) != (kind.Group, kind.Version)) (entry["group"], entry["version"]) = (g, v);
                resources.Add((JsonNode)entry);
            }
        }

        return new() { ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = group.Length == 0 ? version : $"{group}/{version}", ["resources"] = resources };
    }

    private static JsonObject ResponseKind(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };

    private static string[] Verbs(KindSchema kind) => Reviews.IsReview(kind) ? ["create"] : kind is { Group: "", Kind: "Namespace" } ? [.. AllVerbs.Where(v => v != "deletecollection")] : AllVerbs;

    private static string[] SubresourceVerbs(string subresource) => subresource switch
    {
        "binding" or "eviction" or "token" => ["create"],
        "log" => ["get"],
        "exec" or "attach" or "portforward" => ["create", "get"],
        "finalize" => ["update"],
        "proxy" => ["create", "delete", "get", "patch", "update"],
        _ => ["get", "patch", "update"],
    };

    private static (string Group, string Version, string Kind) SubresourceKind(KindSchema kind, string subresource) => subresource switch
    {
        "scale" => ("autoscaling", "v1", "Scale"),
        "eviction" => ("policy", "v1", "Eviction"),
        "token" => ("authentication.k8s.io", "v1", "TokenRequest"),
        "binding" => ("", "v1", "Binding"),
        "exec" => ("", "v1", "PodExecOptions"),
        "attach" => ("", "v1", "PodAttachOptions"),
        "portforward" => ("", "v1", "PodPortForwardOptions"),
        "proxy" => ("", "v1", $"{kind.Kind}ProxyOptions"),
        _ => (kind.Group, kind.Version, kind.Kind),
    };
}
