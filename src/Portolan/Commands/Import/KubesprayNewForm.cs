using System.Text.Json.Nodes;

namespace Portolan.Commands.Import;

/// <summary><c>metallb_config</c> of Kubespray 2.22 and later.</summary>
internal sealed class KubesprayNewForm(KubesprayVariables variables, ImportedObjects objects, PoolRanges ranges, ImportNotices notices)
{
    private const int LongestWithLocal = 30;

    // RFC 1997, RFC 3765: the communities that Kubespray always defines.
    private static readonly (string Alias, string Value)[] WellKnown =
        [("no-export", "65535:65281"), ("no-advertise", "65535:65282"), ("local-as", "65535:65283"), ("nopeer", "65535:65284")];

    private readonly ImportValues _values = variables.Values;
    private readonly Communities _communities = new(variables.Values, notices);
    private readonly HashSet<string> _announced = new(StringComparer.Ordinal);

    public void Convert(SourceMap config)
    {
        _values.OnlyKnown(config, "metallb_config", "speaker", "controller", "address_pools", "layer2", "layer3", "metallb_peers");
        var pools = _values.Map(config["address_pools"], "metallb_config.address_pools");
        if (pools is null || pools.Entries.Count == 0)
            notices.Error(config.Place, "metallb_config.address_pools", "is missing: there is no pool");
        foreach (var entry in pools?.Entries ?? [])
            Pool(entry);
        Layer2(config);
        Layer3(config);
        foreach (var entry in pools?.Entries ?? [])
            if (!_announced.Contains(entry.Name) && objects.Names("IPAddressPool").Find(entry.Name) is not null)
                notices.Warn(entry.Place, $"metallb_config.address_pools.{entry.Name}", "is announced by nothing: neither layer2 nor a peer's address_pool names it");
    }

    private void Pool(SourceEntry entry)
    {
        var path = $"metallb_config.address_pools.{entry.Name}";
        if (_values.Map(entry.Value, path) is not { } pool)
            return;
        _values.OnlyKnown(pool, path, "ip_range", "auto_assign", "avoid_buggy_ips");
        var addresses = ranges.Read(pool["ip_range"], $"{path}.ip_range");
        if (addresses.Count == 0)
        {
            notices.Error(entry.Place, $"{path}.ip_range", $"holds no address; the pool {entry.Name} is left out");
            return;
        }

        objects.AddPool(entry.Name, entry.Place, path, addresses, _values.Boolean(pool["auto_assign"], $"{path}.auto_assign") ?? true, _values.Boolean(pool["avoid_buggy_ips"], $"{path}.avoid_buggy_ips") ?? false);
    }

    private void Layer2(SourceMap config)
    {
        const string Path = "metallb_config.layer2";
        var items = _values.Items(config["layer2"], Path);
        for (var i = 0; i < items.Count; i++)
        {
            if (PoolNamed(items[i], $"{Path}[{i}]") is not { } pool)
                continue;
            if (objects.Names("L2Advertisement").Find(pool) is not null)
                notices.Warn(items[i].Place, $"{Path}[{i}]", $"{pool} is in the list already; left out");
            else
                objects.Add("L2Advertisement", objects.Names("L2Advertisement").Assign(pool, "", items[i].Place, $"{Path}[{i}]"), new JsonObject { ["ipAddressPools"] = new JsonArray((JsonNode)pool) }, items[i].Place);
        }
    }

    // The object's name of a pool that the source names; null when it was reported.
    private string? PoolNamed(SourceNode node, string path)
    {
        if (_values.Text(node, path) is not { } source)
            return null;
        _announced.Add(source);
        if (objects.Names("IPAddressPool").Find(source) is { } name)
            return name;
        notices.Error(node.Place, path, $"there is no pool {source} in address_pools; left out{Spelling.Hint(source, [.. objects.Names("IPAddressPool").Sources])}");
        return null;
    }

    private void Layer3(SourceMap config)
    {
        const string Path = "metallb_config.layer3";
        var layer3 = _values.Map(config["layer3"], Path);
        var misplaced = config["metallb_peers"];
        if (misplaced is not null)
            notices.Warn(misplaced.Place, "metallb_config.metallb_peers", layer3?["metallb_peers"] is null ? "belongs below layer3; read from here" : "belongs below layer3, where there are peers too; left out");
        if (layer3 is null && misplaced is null)
            return;
        layer3 ??= new SourceMap([], misplaced!.Place);
        _values.OnlyKnown(layer3, Path, "defaults", "communities", "metallb_peers");
        DefineCommunities(layer3, $"{Path}.communities");

        var defaults = new Dictionary<string, (SourceNode, string)>(StringComparer.Ordinal);
        if (_values.Map(layer3["defaults"], $"{Path}.defaults") is { } common)
        {
            _values.OnlyKnown(common, $"{Path}.defaults", "peer_port", "hold_time");
            foreach (var entry in common.Entries.Where(entry => entry.Name is "peer_port" or "hold_time"))
                defaults[entry.Name] = (entry.Value, $"{Path}.defaults.{entry.Name}");
        }

        var (peers, peersPath) = layer3["metallb_peers"] is { } below ? (below, $"{Path}.metallb_peers") : (misplaced, "metallb_config.metallb_peers");
        var entries = _values.Entries(peers, peersPath);
        if (entries.Count == 0)
            notices.Error(layer3.Place, peersPath, "is missing, and mandatory with layer3");
        foreach (var entry in entries)
            Peer(entry, $"{peersPath}.{entry.Name}", defaults, entries.Count);
    }

    private void DefineCommunities(SourceMap layer3, string path)
    {
        foreach (var entry in _values.Entries(layer3["communities"], path))
            if (_communities.Define(entry, path) is { } value)
                objects.Add("Community", objects.Names("Community").Assign(entry.Name, "", entry.Place, $"{path}.{entry.Name}", $"; its alias stays {entry.Name}"), Aliases((entry.Name, value)), entry.Place);
        var left = new List<(string, string)>();
        foreach (var (alias, value) in WellKnown)
        {
            // An alias may be defined once in all Community objects.
            if (_communities.TryDefine(alias, value))
                left.Add((alias, value));
            else if (_communities.ValueOf(alias) != value)
                notices.Warn(layer3["communities"]!.Place, $"{path}.{alias}", $"is {_communities.ValueOf(alias)} here; what the name stands for everywhere else is {value}");
        }

        objects.Add("Community", objects.Names("Community").Assign("well-known", "", layer3.Place, path), Aliases([.. left]), layer3.Place);
    }

    private static JsonObject Aliases(params ReadOnlySpan<(string Alias, string Value)> aliases)
    {
        var list = new JsonArray();
        foreach (var (alias, value) in aliases)
            list.Add((JsonNode)new JsonObject { ["name"] = alias, ["value"] = value });
        return new JsonObject { ["communities"] = list };
    }

    private void Peer(SourceEntry entry, string path, Dictionary<string, (SourceNode, string)> defaults, int peers)
    {
        if (_values.Map(entry.Value, path) is not { } peer)
            return;
        _values.OnlyKnown(peer, path, "peer_address", "peer_asn", "my_asn", "peer_port", "password", "router_id", "hold_time", "multihop", "address_pool", "communities", "aggregation_length", "localpref", "source_address");
        var name = objects.Names("BGPPeer").Assign(entry.Name, "", entry.Place, path);
        if (peer["source_address"] is { } source)
        {
            notices.Warn(source.Place, $"{path}.source_address", $"was never passed on by Kubespray; left out: set spec.sourceAddress of the BGPPeer {name} if the session needs it");
            peer = peer with { Entries = [.. peer.Entries.Where(other => other.Name != "source_address")] };
        }

        if (!new PeerReader('_', objects, _values, notices).Add(peer, name, path, defaults))
            return;

        var pools = new JsonArray();
        var items = _values.Items(peer["address_pool"], $"{path}.address_pool");
        for (var i = 0; i < items.Count; i++)
            if (PoolNamed(items[i], $"{path}.address_pool[{i}]") is { } pool)
                pools.Add((JsonNode)pool);
        if (pools.Count == 0)
        {
            // An advertisement without pools would announce every pool.
            notices.Error(entry.Place, $"{path}.address_pool", "names no pool; the peer has no advertisement");
            return;
        }

        if (peers > 1)
            notices.Note(entry.Place, $"{path}.address_pool", $"is announced to all {peers} peers, as Kubespray has it; spec.peers of the BGPAdvertisement {entry.Name}-external limits it");
        Advertisements(entry, peer, path, pools);
    }

    private void Advertisements(SourceEntry entry, SourceMap peer, string path, JsonArray pools)
    {
        var names = objects.Names("BGPAdvertisement");
        var external = new JsonObject();
        var length = _values.Number(peer["aggregation_length"], $"{path}.aggregation_length", 1, 32);
        var preference = _values.Number(peer["localpref"], $"{path}.localpref", 0, uint.MaxValue);
        var communities = _communities.Read(peer["communities"], $"{path}.communities");
        if (length is { } tooLong and > LongestWithLocal)
            notices.Warn(peer["aggregation_length"]!.Place, $"{path}.aggregation_length", $"{tooLong} is above {LongestWithLocal}, where Kubespray does not apply it: every address is announced by itself");
        if (length is <= LongestWithLocal)
        {
            external["aggregationLength"] = length;
            objects.Add("BGPAdvertisement", names.Assign(entry.Name, "-local", entry.Place, path), new JsonObject
            {
                ["aggregationLength"] = 32,
                ["aggregationLengthV6"] = 128,
                ["communities"] = new JsonArray((JsonNode)"no-advertise"),
                ["localPref"] = preference ?? 100,
                ["ipAddressPools"] = pools.DeepClone(),
            }, entry.Place);
            if (preference is not null)
                notices.Warn(peer["localpref"]!.Place, $"{path}.localpref", $"was misspelt by Kubespray's template and had no effect; spec.localPref of the BGPAdvertisement {entry.Name}-local is {preference}");
        }
        else if (preference is not null)
        {
            notices.Warn(peer["localpref"]!.Place, $"{path}.localpref", $"is applied only together with an aggregation_length of at most {LongestWithLocal}; left out");
        }

        external["ipAddressPools"] = pools;
        if (communities.Count > 0)
            external["communities"] = communities;
        if (communities.Count > 1)
            notices.Warn(peer["communities"]!.Place, $"{path}.communities", $"Kubespray's template let only the last of {communities.Count} take effect; all are written");
        objects.Add("BGPAdvertisement", names.Assign(entry.Name, "-external", entry.Place, path), external, entry.Place);
    }
}
