using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Kubernetes.Admission;

/// <summary>
/// BGPPeer between <c>metallb.io/v1beta1</c> and <c>v1beta2</c>, losing nothing either way. What v1beta1 has no field for travels in the annotation
/// <see cref="Annotation"/>, so that whoever reads a peer as v1beta1, changes it and writes it back does not undo what others set. What v1beta1 says
/// itself counts more than what it carries: an address or an AS number that is given replaces a carried interface or dynamic AS number.
/// </summary>
public static class BgpPeerConversion
{
    /// <summary>On v1beta1 only: a JSON object with the fields of v1beta2's spec that v1beta1 lacks.</summary>
    public const string Annotation = "portolan.dev/bgppeer-v1beta2-spec";

    private const string Old = "metallb.io/v1beta1";
    private const string New = "metallb.io/v1beta2";

    private static readonly string[] _oldFields =
    [
        "bfdProfile", "ebgpMultiHop", "holdTime", "keepaliveTime", "myASN", "nodeSelectors", "password", "peerASN", "peerAddress", "peerPort", "routerID", "sourceAddress",
    ];

    // What stands for the other: the one that v1beta1 has a field for, and the one that it has not.
    private static readonly (string Own, string Carried)[] _instead = [("peerASN", "dynamicASN"), ("peerAddress", "interface"), ("password", "passwordSecret")];

    private static readonly JsonDocumentOptions _carriedOptions = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <summary>Converts one object.</summary>
    /// <param name="peer">A BGPPeer; not changed.</param>
    /// <param name="apiVersion">The version wanted.</param>
    /// <returns>A new object, or null and why.</returns>
    public static (JsonObject? Converted, string Problem) Convert(JsonObject peer, string apiVersion)
    {
        var (from, kind) = (ReviewBody.Text(peer, "apiVersion"), ReviewBody.Text(peer, "kind"));
        if (kind != "BGPPeer" || from is not (Old or New))
            return (null, $"cannot convert {from} {kind}");
        if (apiVersion is not (Old or New))
            return (null, $"cannot convert {kind} to {apiVersion}");
        var converted = (JsonObject)peer.DeepClone();
        converted["apiVersion"] = apiVersion;
        if (from == apiVersion)
            return (converted, "");
        if (apiVersion == Old)
            Carry(converted);
        else
            Unpack(converted);
        return (converted, "");
    }

    private static void Carry(JsonObject peer)
    {
        if (peer["spec"] is not JsonObject spec)
            return;
        var carried = new JsonObject();
        foreach (var (name, value) in spec.Where(field => !_oldFields.Contains(field.Key)).ToList())
        {
            spec.Remove(name);

            // These are the defaults: v1beta2 fills them in again.
            if (!(name is "disableMP" or "dualStackAddressFamily" && IsFalse(value)))
                carried[name] = value;
        }

        // v1beta1 demands both; the programs written for it say "none" so.
        spec.TryAdd("peerASN", JsonValue.Create(0));
        spec.TryAdd("peerAddress", JsonValue.Create(""));
        if (carried.Count > 0)
            Annotations(peer, make: true)![Annotation] = carried.ToJsonString();
    }

    private static void Unpack(JsonObject peer)
    {
        if (peer["spec"] is not JsonObject spec)
            return;

        // 0 is v1beta1's way of not saying; v1beta2's default says 179.
        if (IsNothing(spec["peerPort"]))
            spec.Remove("peerPort");
        var carried = Carried(peer);
        foreach (var (own, other) in _instead)
        {
            if (!IsNothing(spec[own]))
                carried?.Remove(other);
            else if (carried?.ContainsKey(other) == true)
                spec.Remove(own);
        }

        foreach (var (name, value) in carried ?? [])
            if (!_oldFields.Contains(name))
                spec.TryAdd(name, value?.DeepClone());
    }

    /// <summary>Takes the annotation off the object. One that somebody has made unreadable carries nothing.</summary>
    private static JsonObject? Carried(JsonObject peer)
    {
        if (Annotations(peer, make: false) is not { } annotations || ReviewBody.Text(annotations, Annotation) is not { Length: > 0 } text)
            return null;
        annotations.Remove(Annotation);
        if (annotations.Count == 0)
            ((JsonObject)peer["metadata"]!).Remove("annotations");
        try
        {
            return JsonNode.Parse(text, null, _carriedOptions) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonObject? Annotations(JsonObject peer, bool make)
    {
        var metadata = peer["metadata"] as JsonObject;
        if (metadata is null && make)
            peer["metadata"] = metadata = [];
        var annotations = metadata?["annotations"] as JsonObject;
        if (annotations is null && make)
            metadata!["annotations"] = annotations = [];
        return annotations;
    }

    private static bool IsFalse(JsonNode? value) => value?.GetValueKind() is JsonValueKind.False;

    private static bool IsNothing(JsonNode? value) => value?.GetValueKind() switch
    {
        null or JsonValueKind.Null => true,
        JsonValueKind.Number => value.ToJsonString() is "0" or "-0",
        JsonValueKind.String => ((string)value!).Length == 0,
        _ => false,
    };
}
