using System.Text.Json.Nodes;

namespace Portolan.Commands.Import;

/// <summary>The variables of Kubespray 2.14 to 2.21: one range with a protocol, further pools, a list of peers.</summary>
internal sealed class KubesprayOldForm(KubesprayVariables variables, ImportedObjects objects, PoolRanges ranges, ImportNotices notices, Func<string, SourcePlace?> isCommentedOut)
{
    /// <summary>What the pool of metallb_ip_range is called when metallb_pool_name does not say otherwise.</summary>
    public const string DefaultPool = "loadbalanced";

    private readonly ImportValues _values = variables.Values;
    private readonly List<string> _bgp = [];

    public void Convert()
    {
        var protocol = Protocol(variables.Find("metallb_protocol"), "metallb_protocol", "layer2");
        Main(protocol);
        Additional(protocol);
        Peers();
    }

    private void Main(string? protocol)
    {
        if (variables.Find("metallb_ip_range") is not { } range)
        {
            ReportMissing();
            return;
        }

        var typo = variables.Find("matallb_auto_assign");
        var (autoAssign, from) = (variables.Boolean("metallb_auto_assign"), variables.Find("metallb_auto_assign"));
        if (typo is not null)
        {
            notices.Warn(typo.Place, typo.Name, $"was this variable's name in Kubespray 2.18 and 2.19 only, since 2.20 it stops the playbook; {(from is null ? "read as metallb_auto_assign" : "left out, metallb_auto_assign is there too")}");
            autoAssign ??= variables.Boolean(typo.Name);
        }

        var (source, place2, path) = variables.Find("metallb_pool_name") is { } named && variables.Text("metallb_pool_name") is { Length: > 0 } text
            ? (text, named.Place, "metallb_pool_name") : (DefaultPool, range.Place, "metallb_ip_range");
        Pool(source, place2, path, ranges.Read(range.Value, "metallb_ip_range"), "metallb_ip_range", range.Place, autoAssign ?? true, variables.Boolean("metallb_avoid_buggy_ips") ?? false, protocol);
    }

    private void ReportMissing()
    {
        if (variables.FindWritten("metallb_ip_range") is { } empty)
            notices.Error(empty.Place, "metallb_ip_range", "has no value: are the lines below still commented out?");
        else if (variables.FindWritten("metallb_config") is { } config)
            notices.Error(config.Place, "metallb_config", "has no value: are the lines below still commented out?");
        else if (isCommentedOut("metallb_ip_range") is { } oldForm)
            notices.Error(oldForm, "metallb_ip_range", "is commented out, and mandatory");
        else if (isCommentedOut("metallb_config") is { } newForm)
            notices.Error(newForm, "metallb_config", "is commented out: there is no pool");
        else
            notices.Error(variables.File, "metallb_ip_range", "is missing, and mandatory");
    }

    private void Additional(string? mainProtocol)
    {
        const string Path = "metallb_additional_address_pools";
        foreach (var entry in _values.Entries(variables.Node(Path), Path))
        {
            var path = $"{Path}.{entry.Name}";
            if (_values.Map(entry.Value, path) is not { } pool)
                continue;
            _values.OnlyKnown(pool, path, "ip_range", "protocol", "auto_assign", "avoid_buggy_ips");
            string? protocol;
            if (SourceNode.IsNothing(pool["protocol"]))
            {
                protocol = mainProtocol;
                notices.Warn(entry.Place, $"{path}.protocol", $"is missing, which stops Kubespray; taken to be {protocol ?? "none"}, as metallb_protocol is");
            }
            else
            {
                protocol = Protocol(new SourceEntry("protocol", pool["protocol"]!, pool["protocol"]!.Place), $"{path}.protocol", null);
            }

            Pool(entry.Name, entry.Place, path, ranges.Read(pool["ip_range"], $"{path}.ip_range"), $"{path}.ip_range", entry.Place,
                _values.Boolean(pool["auto_assign"], $"{path}.auto_assign") ?? true, _values.Boolean(pool["avoid_buggy_ips"], $"{path}.avoid_buggy_ips") ?? false, protocol);
        }
    }

    private void Pool(string source, SourcePlace place, string path, JsonArray addresses, string rangePath, SourcePlace rangePlace, bool autoAssign, bool avoidBuggyIPs, string? protocol)
    {
        if (addresses.Count == 0)
        {
            notices.Error(rangePlace, rangePath, $"holds no address; the pool {source} is left out");
            return;
        }

        var name = objects.AddPool(source, place, path, addresses, autoAssign, avoidBuggyIPs);
        if (protocol == "layer2")
            objects.Add("L2Advertisement", objects.Names("L2Advertisement").Assign(name, "", place, path), new JsonObject { ["ipAddressPools"] = new JsonArray((JsonNode)name) }, place);
        else if (protocol == "bgp")
            _bgp.Add(name);
    }

    private void Peers()
    {
        var written = variables.Find("metallb_peers");
        var peers = _values.Items(written?.Value, "metallb_peers");
        // MetalLB of that time assumed 90 s where a configuration did not say; a BGPPeer without one may mean another.
        var defaults = new Dictionary<string, (SourceNode, string)> { ["hold_time"] = (new SourceScalar("90s", false, null, written?.Place ?? default), "metallb_peers") };
        var reader = new PeerReader('_', objects, _values, notices);
        for (var i = 0; i < peers.Count; i++)
        {
            var path = $"metallb_peers[{i}]";
            if (_values.Map(peers[i], path) is not { } peer)
                continue;
            _values.OnlyKnown(peer, path, "peer_address", "peer_asn", "my_asn", "password", "source_address", "node_selectors");
            reader.Add(peer, $"peer{i + 1}", path, defaults);
        }

        foreach (var pool in _bgp)
            objects.Add("BGPAdvertisement", pool, new JsonObject { ["ipAddressPools"] = new JsonArray((JsonNode)pool) }, written?.Place ?? variables.File);
        if (_bgp.Count > 0 && peers.Count == 0 && variables.Boolean("metallb_speaker_enabled") is not false)
            notices.Error(variables.Find("metallb_protocol")?.Place ?? variables.File, "metallb_peers", "is missing, and mandatory where a pool has the protocol bgp");
        else if (_bgp.Count == 0 && peers.Count > 0)
            notices.Warn(written!.Place, "metallb_peers", "means nothing: no pool has the protocol bgp; the peers are written all the same");
    }

    private string? Protocol(SourceEntry? entry, string path, string? fallback)
    {
        if (entry is null)
            return fallback;
        var text = _values.Text(entry.Value, path);
        if (text is "layer2" or "bgp")
            return text;
        notices.Error(entry.Place, path, $"{text ?? "nothing"}: must be layer2 or bgp; the pool is not announced");
        return null;
    }
}
