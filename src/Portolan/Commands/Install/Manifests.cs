using System.Text.Json.Nodes;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Commands.Install;

/// <summary>The manifests of <c>deploy/</c>, which travel inside the binary, adapted to one cluster.</summary>
internal static class Manifests
{
    public const string DefaultNamespace = "metallb-system";
    public const string DefaultImage = "portolan";
    public const string PoolName = "default";

    /// <summary>The kinds of metallb.io.</summary>
    /// <param name="ns">Where the webhook that converts between their versions is.</param>
    public static IReadOnlyList<JsonObject> Definitions(string ns = DefaultNamespace)
    {
        var definitions = Read("deploy/crds/");
        foreach (var definition in definitions)
            SetWebhookNamespace(definition["spec"]?["conversion"]?["webhook"], ns);
        return definitions;
    }

    /// <summary>Namespace, accounts and rights, controller, speaker, webhook.</summary>
    /// <param name="ns">The namespace.</param>
    /// <param name="image">The image.</param>
    /// <param name="replicas">Replicas of the controller; null: as the manifest has it.</param>
    /// <param name="loadBalancerClass">The class to serve; null: Services without one.</param>
    public static IReadOnlyList<JsonObject> System(string ns, string image, int? replicas = null, string? loadBalancerClass = null)
    {
        var objects = Read("deploy/metallb-system/");
        foreach (var item in objects)
        {
            Rename(item, ns);
            SetImage(item, image);
            if (replicas is { } count && (string?)item["kind"] == "Deployment")
                item["spec"]!["replicas"] = count;
            if (loadBalancerClass is not null)
                foreach (var container in Containers(item).Take(1))
                    container["args"]!.AsArray().Add((JsonNode)$"--lb-class={loadBalancerClass}");
        }

        return objects;
    }

    /// <summary>The service proxy of every node, in kube-proxy's place.</summary>
    /// <param name="image">The image.</param>
    /// <param name="master">The API server's own address: the proxy cannot use the Service that it has yet to program.</param>
    /// <param name="arguments">Further flags of <c>portolan proxy</c>.</param>
    public static IReadOnlyList<JsonObject> Proxy(string image, string master, params IEnumerable<string> arguments)
    {
        var objects = Read("deploy/proxy/");
        foreach (var item in objects)
        {
            SetImage(item, image);
            foreach (var container in Containers(item))
                foreach (var argument in arguments.Prepend($"--master={master}"))
                    container["args"]!.AsArray().Add((JsonNode)argument);
        }

        return objects;
    }

    /// <summary>A pool of these ranges and its announcement.</summary>
    /// <param name="ns">Where.</param>
    /// <param name="ranges">The ranges.</param>
    /// <param name="protocol">layer2 or bgp.</param>
    public static IReadOnlyList<JsonObject> Pool(string ns, IEnumerable<string> ranges, string protocol)
    {
        var addresses = new JsonArray();
        foreach (var range in ranges)
            addresses.Add((JsonNode)range);
        return
        [
            Custom("IPAddressPool", ns, new JsonObject { ["addresses"] = addresses }),
            Custom(protocol == "bgp" ? "BGPAdvertisement" : "L2Advertisement", ns, new JsonObject { ["ipAddressPools"] = new JsonArray((JsonNode)PoolName) }),
        ];
    }

    /// <summary>The BGP peers, and how they are watched.</summary>
    public static IReadOnlyList<JsonObject> Peers(string ns, InstallPeers peers)
    {
        var objects = new List<JsonObject>();
        if (peers.BfdMilliseconds > 0)
            objects.Add(Custom("BFDProfile", ns, new JsonObject { ["receiveInterval"] = peers.BfdMilliseconds, ["transmitInterval"] = peers.BfdMilliseconds }));
        foreach (var address in peers.Addresses)
        {
            var spec = new JsonObject { ["myASN"] = peers.MyAsn, ["peerASN"] = peers.PeerAsn, ["peerAddress"] = address.ToString() };
            if (peers.BfdMilliseconds > 0)
                spec["bfdProfile"] = PoolName;
            objects.Add(Custom("BGPPeer", ns, spec, "v1beta2", $"peer-{address.ToString().Replace('.', '-').Replace(':', '-')}"));
        }

        return objects;
    }

    private static JsonObject Custom(string kind, string ns, JsonObject spec, string version = "v1beta1", string name = PoolName) => new()
    {
        ["apiVersion"] = $"metallb.io/{version}",
        ["kind"] = kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
        ["spec"] = spec,
    };

    private static List<JsonObject> Read(string folder)
    {
        var assembly = typeof(Manifests).Assembly;
        var objects = new List<JsonObject>();
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            objects.AddRange(YamlJson.Documents(reader.ReadToEnd()).Select(document => document.AsObject()));
        }

        return objects;
    }

    // Everything that names the namespace: the objects in it, the subjects of bindings, the webhook's Service, the Namespace itself, and cluster-wide names that carry it.
    private static void Rename(JsonObject item, string ns)
    {
        if (ns == DefaultNamespace)
            return;
        var metadata = item["metadata"]!.AsObject();
        if ((string?)metadata["namespace"] == DefaultNamespace)
            metadata["namespace"] = ns;
        metadata["name"] = ((string)metadata["name"]!).Replace(DefaultNamespace, ns, StringComparison.Ordinal);
        foreach (var subject in item["subjects"]?.AsArray() ?? [])
            subject!["namespace"] = ns;
        if (item["roleRef"] is JsonObject role)
            role["name"] = ((string)role["name"]!).Replace(DefaultNamespace, ns, StringComparison.Ordinal);
        foreach (var webhook in item["webhooks"]?.AsArray() ?? [])
            SetWebhookNamespace(webhook, ns);
    }

    private static void SetWebhookNamespace(JsonNode? webhook, string ns)
    {
        if (webhook?["clientConfig"]?["service"] is JsonObject service)
            service["namespace"] = ns;
    }

    private static void SetImage(JsonObject item, string image)
    {
        foreach (var container in Containers(item))
            if ((string?)container["image"] == DefaultImage)
                container["image"] = image;
    }

    private static IEnumerable<JsonObject> Containers(JsonObject item) =>
        item["spec"]?["template"]?["spec"]?["containers"]?.AsArray().Select(container => container!.AsObject()) ?? [];
}
