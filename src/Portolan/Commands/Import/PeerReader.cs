using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Portolan.Core.Configuration;

namespace Portolan.Commands.Import;

/// <summary>Reads a BGP peer, which the ConfigMap and Kubespray's variables spell alike but for the sign between words.</summary>
/// <param name="sign"><c>-</c> in the ConfigMap, <c>_</c> in Kubespray.</param>
/// <param name="objects">Where the BGPPeer and its Secret go.</param>
/// <param name="values">Reads values.</param>
/// <param name="notices">Where to report.</param>
internal sealed class PeerReader(char sign, ImportedObjects objects, ImportValues values, ImportNotices notices)
{
    /// <summary>AS numbers of four bytes (RFC 6793).</summary>
    public const long LargestAsn = uint.MaxValue;

    /// <summary>Adds a BGPPeer, and a Secret when it has a password.</summary>
    /// <returns>False when it could not be made.</returns>
    /// <param name="peer">As written.</param>
    /// <param name="name">The object's name.</param>
    /// <param name="path">The peer's path.</param>
    /// <param name="defaults">Values by key for what the peer does not say.</param>
    public bool Add(SourceMap peer, string name, string path, IReadOnlyDictionary<string, (SourceNode Node, string Path)>? defaults = null)
    {
        (SourceNode? Node, string Path) Of(string key)
        {
            key = key.Replace('-', sign);
            return !SourceNode.IsNothing(peer[key]) ? (peer[key], $"{path}.{key}") : defaults?.TryGetValue(key, out var other) == true ? other : (null, $"{path}.{key}");
        }

        long? Asn(string key)
        {
            var (node, at) = Of(key);
            if (SourceNode.IsNothing(node))
                notices.Error(peer.Place, at, "is missing; the peer is left out");
            return values.Number(node, at, 1, LargestAsn);
        }

        string? Address(string key, bool onlyV4 = false)
        {
            var (node, at) = Of(key);
            if (values.Text(node, at) is not { Length: > 0 } text)
                return null;
            if (IPAddress.TryParse(text, out var address) && !text.Contains('%', StringComparison.Ordinal) && (!onlyV4 || address.AddressFamily is AddressFamily.InterNetwork))
                return text;
            notices.Error(node!.Place, at, $"{text}: must be an {(onlyV4 ? "IPv4" : "IP")} address; left out");
            return null;
        }

        var (myAsn, peerAsn, peerAddress) = (Asn("my-asn"), Asn("peer-asn"), Address("peer-address"));
        if (SourceNode.IsNothing(Of("peer-address").Node))
            notices.Error(peer.Place, Of("peer-address").Path, "is missing; the peer is left out");
        if (myAsn is null || peerAsn is null || peerAddress is null)
            return false;

        var spec = new JsonObject { ["myASN"] = myAsn, ["peerASN"] = peerAsn, ["peerAddress"] = peerAddress };
        if (Address("source-address") is { } source)
            spec["sourceAddress"] = source;
        if (values.Number(Of("peer-port").Node, Of("peer-port").Path, 1, 16384) is { } port && port != 179)
            spec["peerPort"] = port;
        Times(spec, Of("hold-time"), Of("keepalive-time"));
        if (Address("router-id", onlyV4: true) is { } router)
            spec["routerID"] = router;
        if (NodeSelectors(Of("node-selectors").Node, Of("node-selectors").Path) is { Count: > 0 } selectors)
            spec["nodeSelectors"] = selectors;
        if (values.Text(Of("bfd-profile").Node, Of("bfd-profile").Path) is { Length: > 0 } profile)
            spec["bfdProfile"] = objects.Names("BFDProfile").Find(profile) ?? profile;
        var hop = sign == '-' ? Of("ebgp-multihop") : Of("multihop");
        if (values.Boolean(hop.Node, hop.Path) is true)
        {
            if (myAsn == peerAsn)
                notices.Error(hop.Node!.Place, hop.Path, $"is for external peers, and this one has our own AS number {myAsn}; left out");
            else
                spec["ebgpMultiHop"] = true;
        }

        Password(spec, Of("password"), name);
        objects.Add("BGPPeer", name, spec, peer.Place);
        return true;
    }

    private void Times(JsonObject spec, (SourceNode? Node, string Path) hold, (SourceNode? Node, string Path) keepalive)
    {
        var holdTime = values.Duration(hold.Node, hold.Path);
        // Whole seconds, as they go over the wire (RFC 4271 §4.2).
        if (holdTime is not null && GoDuration.TryParse(holdTime, out var time) && Math.Truncate(time.TotalSeconds) is var seconds)
        {
            if (seconds is not 0 and < 3 || seconds > ushort.MaxValue)
                notices.Error(hold.Node!.Place, hold.Path, $"{holdTime}: must be 0 or 3s..65535s; left out");
            else
                spec["holdTime"] = DurationText.Of(TimeSpan.FromSeconds(seconds));
        }
        else if (sign == '-' && holdTime is null && SourceNode.IsNothing(hold.Node))
        {
            // What MetalLB assumed for a ConfigMap without one; a BGPPeer without one may mean another.
            spec["holdTime"] = "1m30s";
        }

        if (values.Duration(keepalive.Node, keepalive.Path) is { } keep && GoDuration.TryParse(keep, out var interval))
        {
            if (spec["holdTime"] is JsonValue longest && GoDuration.TryParse((string)longest!, out var most) && interval > most)
                notices.Error(keepalive.Node!.Place, keepalive.Path, $"{keep}: must not be longer than the hold time {(string)longest!}; left out");
            else
                spec["keepaliveTime"] = DurationText.Of(interval);
        }
    }

    private void Password(JsonObject spec, (SourceNode? Node, string Path) password, string peer)
    {
        if (SourceNode.IsNothing(password.Node))
            return;
        var resolved = values.Resolve(password.Node, password.Path);
        if (resolved is SourceScalar { Text.Length: 0 })
            return;
        // A session without the password it needs would fail and not say why: the reference stays even when the password is unreadable.
        var secret = objects.Names("Secret").Assign(peer, "-password", password.Node!.Place, password.Path);
        spec["passwordSecret"] = new JsonObject { ["name"] = secret, ["namespace"] = objects.Namespace };
        if (resolved is SourceScalar { Text: var text })
        {
            objects.AddPassword(secret, text);
            notices.Note(password.Node.Place, password.Path, $"is kept in the Secret {secret}, not in the BGPPeer, which more people may read");
        }
        else
        {
            notices.Error(password.Node.Place, password.Path, $"create it yourself: kubectl -n {objects.Namespace} create secret generic {secret} --type=kubernetes.io/basic-auth --from-literal=password=…");
        }
    }

    private JsonArray NodeSelectors(SourceNode? node, string path)
    {
        var selectors = new JsonArray();
        var items = values.Items(node, path);
        for (var i = 0; i < items.Count; i++)
        {
            var at = $"{path}[{i}]";
            if (values.Map(items[i], at) is not { } map)
                continue;
            values.OnlyKnown(map, at, "match-labels", "match-expressions", "matchLabels", "matchExpressions", "match_labels", "match_expressions");
            var labels = new JsonObject();
            foreach (var entry in values.Entries(map["match-labels"] ?? map["matchLabels"] ?? map["match_labels"], $"{at}.match-labels"))
                labels[entry.Name] = values.Text(entry.Value, $"{at}.match-labels.{entry.Name}") ?? "";
            var expressions = new JsonArray();
            foreach (var expression in values.Items(map["match-expressions"] ?? map["matchExpressions"] ?? map["match_expressions"], $"{at}.match-expressions"))
                if (values.Map(expression, $"{at}.match-expressions") is { } parts)
                {
                    var json = new JsonObject { ["key"] = values.Text(parts["key"], $"{at}.key") ?? "", ["operator"] = values.Text(parts["operator"], $"{at}.operator") ?? "" };
                    var wanted = new JsonArray([.. values.Items(parts["values"], $"{at}.values").Select(value => (JsonNode?)values.Text(value, $"{at}.values"))]);
                    if (wanted.Count > 0)
                        json["values"] = wanted;
                    expressions.Add((JsonNode)json);
                }

            var selector = new JsonObject();
            if (labels.Count > 0)
                selector["matchLabels"] = labels;
            if (expressions.Count > 0)
                selector["matchExpressions"] = expressions;
            selectors.Add((JsonNode)selector);
        }

        return selectors;
    }
}
