using System.Text.Json.Nodes;

namespace Portolan.Commands.Import;

/// <summary>
/// MetalLB's configuration before 0.13, a text in the ConfigMap <c>config</c>, as objects of metallb.io. They are named as MetalLB's own converter names them:
/// peer1, l2advertisement1, bgpadvertisement1, … and one Community <c>communities</c>; pools and BFD profiles keep their names.
/// </summary>
internal static class MetalLbConfigImport
{
    public const string DefaultNamespace = "metallb-system";

    /// <summary>Converts everything that the documents of a file hold.</summary>
    /// <param name="documents">A ConfigMap, a list of them, or the configuration itself.</param>
    /// <param name="ns">The namespace of the objects; null: the ConfigMap's.</param>
    /// <param name="notices">Where to report.</param>
    public static ImportResult Convert(IReadOnlyList<SourceNode> documents, string? ns, ImportNotices notices)
    {
        var values = new ImportValues(_ => null, notices);
        var configurations = documents.SelectMany(document => ConfigurationText.Find(document, values, notices)).ToList();
        if (configurations.Count > 1)
        {
            foreach (var other in configurations.Skip(1))
                notices.Warn(other.Root.Place, "", "is another configuration; only the first is converted");
        }
        else if (configurations.Count == 0)
        {
            notices.Error(documents.Count > 0 ? documents[0].Place : new SourcePlace("-", 0), "", "holds no configuration of MetalLB: a ConfigMap with the key config, or peers and address-pools");
            return new ImportResult([], [], notices.All);
        }

        var (root, from) = configurations[0];
        var objects = new ImportedObjects(ns ?? from ?? DefaultNamespace, notices);
        Convert(root, objects, values, notices);
        objects.Judge();
        return new ImportResult(objects.InOrder(), [], notices.All);
    }

    /// <summary>Converts one configuration.</summary>
    public static void Convert(SourceMap root, ImportedObjects objects, ImportValues values, ImportNotices notices)
    {
        values.OnlyKnown(root, "config", "peers", "bgp-communities", "address-pools", "bfd-profiles", "peer-autodiscovery");
        if (root["peer-autodiscovery"] is { } autodiscovery)
            notices.Warn(autodiscovery.Place, "peer-autodiscovery", "has no counterpart among the objects: write a BGPPeer for each peer; left out");

        var profiles = values.Items(root["bfd-profiles"], "bfd-profiles");
        for (var i = 0; i < profiles.Count; i++)
            AddProfile(profiles[i], $"bfd-profiles[{i}]", objects, values, notices);

        var communities = new Communities(values, notices);
        var aliases = new JsonArray();
        foreach (var entry in values.Entries(root["bgp-communities"], "bgp-communities"))
            if (communities.Define(entry, "bgp-communities") is { } value)
                aliases.Add((JsonNode)new JsonObject { ["name"] = entry.Name, ["value"] = value });
        if (aliases.Count > 0)
            objects.Add("Community", "communities", new JsonObject { ["communities"] = aliases }, root["bgp-communities"]!.Place);

        var reader = new PeerReader('-', objects, values, notices);
        var peers = values.Items(root["peers"], "peers");
        for (var i = 0; i < peers.Count; i++)
        {
            var path = $"peers[{i}]";
            if (values.Map(peers[i], path) is not { } peer)
                continue;
            values.OnlyKnown(peer, path, "my-asn", "peer-asn", "peer-address", "source-address", "peer-port", "hold-time", "keepalive-time", "router-id", "node-selectors", "password", "bfd-profile", "ebgp-multihop");
            // Numbered by position, so that leaving one out does not rename the others.
            reader.Add(peer, $"peer{i + 1}", path);
        }

        var pools = values.Items(root["address-pools"], "address-pools");
        var ranges = new PoolRanges(values, notices);
        var (layer2, bgp) = (0, 0);
        for (var i = 0; i < pools.Count; i++)
            AddPool(pools[i], $"address-pools[{i}]");
        if (bgp > 0 && peers.Count == 0)
            notices.Warn(root.Place, "peers", "is missing: pools with protocol bgp are announced to nobody");

        void AddPool(SourceNode node, string path)
        {
            if (values.Map(node, path) is not { } pool)
                return;
            values.OnlyKnown(pool, path, "name", "protocol", "addresses", "auto-assign", "avoid-buggy-ips", "bgp-advertisements", "arp-network", "cidr");
            if (values.Text(pool["name"], $"{path}.name") is not { Length: > 0 } source)
            {
                notices.Error(pool.Place, $"{path}.name", "is missing; the pool is left out");
                return;
            }

            var addresses = ranges.Read(pool["addresses"] ?? pool["cidr"], $"{path}.addresses");
            if (addresses.Count == 0)
            {
                notices.Error(pool.Place, $"{path}.addresses", $"holds no address; the pool {source} is left out");
                return;
            }

            var name = objects.AddPool(source, pool["name"]!.Place, $"{path}.name", addresses,
                values.Boolean(pool["auto-assign"], $"{path}.auto-assign") ?? true, values.Boolean(pool["avoid-buggy-ips"], $"{path}.avoid-buggy-ips") ?? false);
            var advertisements = values.Items(pool["bgp-advertisements"], $"{path}.bgp-advertisements");
            switch (values.Text(pool["protocol"], $"{path}.protocol"))
            {
                case "layer2":
                    objects.Add("L2Advertisement", $"l2advertisement{++layer2}", new JsonObject { ["ipAddressPools"] = new JsonArray((JsonNode)name) }, pool.Place);
                    if (advertisements.Count > 0)
                        notices.Warn(pool["bgp-advertisements"]!.Place, $"{path}.bgp-advertisements", "means nothing with protocol layer2; left out");
                    break;
                case "bgp":
                    if (advertisements.Count == 0)
                        objects.Add("BGPAdvertisement", $"bgpadvertisement{++bgp}", new JsonObject { ["ipAddressPools"] = new JsonArray((JsonNode)name) }, pool.Place);
                    for (var i = 0; i < advertisements.Count; i++)
                        AddAdvertisement(advertisements[i], name, $"{path}.bgp-advertisements[{i}]");
                    break;
                case var protocol:
                    notices.Error((pool["protocol"] ?? pool).Place, $"{path}.protocol", $"{protocol ?? "nothing"}: must be layer2 or bgp; the pool {source} is not announced");
                    break;
            }
        }

        void AddAdvertisement(SourceNode node, string pool, string path)
        {
            if (values.Map(node, path) is not { } advertisement)
                return;
            values.OnlyKnown(advertisement, path, "aggregation-length", "aggregation-length-v6", "localpref", "communities");
            var spec = new JsonObject { ["ipAddressPools"] = new JsonArray((JsonNode)pool) };
            if (values.Number(advertisement["aggregation-length"], $"{path}.aggregation-length", 1, 32) is { } length)
                spec["aggregationLength"] = length;
            if (values.Number(advertisement["aggregation-length-v6"], $"{path}.aggregation-length-v6", 1, 128) is { } length6)
                spec["aggregationLengthV6"] = length6;
            if (values.Number(advertisement["localpref"], $"{path}.localpref", 0, uint.MaxValue) is { } preference && preference != 0)
                spec["localPref"] = preference;
            if (communities.Read(advertisement["communities"], $"{path}.communities") is { Count: > 0 } list)
                spec["communities"] = list;
            objects.Add("BGPAdvertisement", $"bgpadvertisement{++bgp}", spec, advertisement.Place);
        }
    }

    private static void AddProfile(SourceNode node, string path, ImportedObjects objects, ImportValues values, ImportNotices notices)
    {
        if (values.Map(node, path) is not { } profile)
            return;
        values.OnlyKnown(profile, path, "name", "receive-interval", "transmit-interval", "detect-multiplier", "echo-interval", "echo-mode", "passive-mode", "minimum-ttl");
        if (values.Text(profile["name"], $"{path}.name") is not { Length: > 0 } source)
        {
            notices.Error(profile.Place, $"{path}.name", "is missing; the profile is left out");
            return;
        }

        var spec = new JsonObject();
        foreach (var (key, field, least, most) in new[]
        {
            ("receive-interval", "receiveInterval", 10, 60000), ("transmit-interval", "transmitInterval", 10, 60000), ("echo-interval", "echoInterval", 10, 60000),
            ("detect-multiplier", "detectMultiplier", 2, 255), ("minimum-ttl", "minimumTtl", 1, 254),
        })
            if (values.Number(profile[key], $"{path}.{key}", least, most) is { } number)
                spec[field] = number;
        foreach (var (key, field) in new[] { ("echo-mode", "echoMode"), ("passive-mode", "passiveMode") })
            if (values.Boolean(profile[key], $"{path}.{key}") is true)
                spec[field] = true;
        objects.Add("BFDProfile", objects.Names("BFDProfile").Assign(source, "", profile["name"]!.Place, $"{path}.name"), spec, profile.Place);
    }
}
