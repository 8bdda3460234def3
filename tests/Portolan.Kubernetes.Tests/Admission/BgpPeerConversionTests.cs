using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Kubernetes.Admission;

namespace Portolan.Kubernetes.Tests.Admission;

[Contract("§1 versions")]
public sealed class BgpPeerConversionTests
{
    private const string Old = "metallb.io/v1beta1";
    private const string New = "metallb.io/v1beta2";

    [Fact]
    public void TakesEveryFieldOfV1beta1Along()
    {
        const string Spec = """
            {"myASN":64512,"peerASN":64513,"peerAddress":"192.0.2.1","sourceAddress":"192.0.2.2","peerPort":1179,"holdTime":"90s","keepaliveTime":"30s","routerID":"10.0.0.1",
             "nodeSelectors":[{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"In","values":["d"]}]}],"password":"secret","bfdProfile":"fast","ebgpMultiHop":true}
            """;
        var converted = To(New, Peer(Old, Spec));
        Same(Peer(New, Spec), converted);
        Same(Peer(Old, Spec), To(Old, converted));
    }

    [Fact]
    public void CarriesWhatV1beta1CannotSay()
    {
        var peer = Peer(New, """
            {"myASN":64512,"dynamicASN":"external","interface":"eth0","passwordSecret":{"name":"s"},"connectTime":"10s","vrf":"red","localASN":1,"enableGracefulRestart":true,
             "disableMP":false,"dualStackAddressFamily":true,"nodeSelectors":[{"matchExpressions":[{"key":"c","operator":"Exists"}]}]}
            """);
        var old = To(Old, peer);
        Assert.Equal((0, ""), ((int)old["spec"]!["peerASN"]!, (string?)old["spec"]!["peerAddress"]));
        Assert.DoesNotContain((JsonObject)old["spec"]!, field => field.Key is "vrf" or "dynamicASN" or "disableMP");
        ((JsonObject)peer["spec"]!).Remove("disableMP");    // the default, which the API server fills in again
        Same(peer, To(New, old));
    }

    [Fact]
    public void KeepsWhatOthersSet_WhenSomebodyChangesThePeerThroughV1beta1()
    {
        var old = To(Old, Peer(New, """{"myASN":64512,"peerASN":64513,"peerAddress":"192.0.2.1","vrf":"red","connectTime":"10s"}"""));
        old["spec"]!["holdTime"] = "30s";
        Same(Peer(New, """{"myASN":64512,"peerASN":64513,"peerAddress":"192.0.2.1","vrf":"red","connectTime":"10s","holdTime":"30s"}"""), To(New, old));
    }

    [Fact]
    public void TakesWhatV1beta1SaysBeforeWhatItCarries()
    {
        var old = To(Old, Peer(New, """{"myASN":64512,"dynamicASN":"external","interface":"eth0","passwordSecret":{"name":"s"}}"""));
        old["spec"]!["peerASN"] = 64513;
        old["spec"]!["peerAddress"] = "192.0.2.1";
        old["spec"]!["password"] = "p";
        Same(Peer(New, """{"myASN":64512,"peerASN":64513,"peerAddress":"192.0.2.1","password":"p"}"""), To(New, old));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[1]")]
    [InlineData("{\"vrf\":\"red\",\"vrf\":\"blue\"}")]
    [InlineData("{\"myASN\":1,\"peerASN\":3}")]
    public void LosesNothingButTheAnnotation_WhenSomebodyHasSpoiltIt(string annotation)
    {
        var old = Peer(Old, """{"myASN":64512,"peerASN":64513,"peerAddress":"192.0.2.1"}""");
        old["metadata"]!["annotations"] = new JsonObject { [BgpPeerConversion.Annotation] = annotation, ["other"] = "kept" };
        var expected = Peer(New, """{"myASN":64512,"peerASN":64513,"peerAddress":"192.0.2.1"}""");
        expected["metadata"]!["annotations"] = new JsonObject { ["other"] = "kept" };
        Same(expected, To(New, old));
    }

    [Fact]
    public void SaysWhatItCannotConvert()
    {
        Assert.Equal((null, "cannot convert metallb.io/v1 BGPPeer"), BgpPeerConversion.Convert(Peer("metallb.io/v1", "{}"), New));
        Assert.Equal((null, "cannot convert BGPPeer to metallb.io/v1"), BgpPeerConversion.Convert(Peer(New, "{}"), "metallb.io/v1"));
        Assert.NotNull(BgpPeerConversion.Convert(new JsonObject { ["apiVersion"] = Old, ["kind"] = "BGPPeer", ["spec"] = 7, ["metadata"] = "x" }, New).Converted);
    }

    [Fact]
    public void ComesBackAsItWas_WhateverItSays()
    {
        var text = Gen.String[Gen.Char["ab1"], 1, 5];
        var spec = Gen.Select(Gen.Bool.Array[15], text, Gen.UInt[1, uint.MaxValue]).Select((has, name, number) =>
        {
            var made = new JsonObject { ["myASN"] = number };
            void Add(int i, string field, JsonNode value)
            {
                if (has[i])
                    made[field] = value;
            }

            if (has[0])
                made["peerASN"] = number;
            else
                made["dynamicASN"] = "internal";
            if (has[1])
                made["peerAddress"] = name;
            else
                made["interface"] = name;
            if (has[2])
                made["password"] = name;
            else
                made["passwordSecret"] = new JsonObject { ["name"] = name };
            Add(3, "vrf", name);
            Add(4, "connectTime", "10s");
            Add(5, "localASN", number);
            Add(6, "enableGracefulRestart", has[14]);
            Add(7, "dualStackAddressFamily", true);
            Add(8, "disableMP", true);
            Add(9, "holdTime", "0s");
            Add(10, "peerPort", 179);
            Add(11, "nodeSelectors", new JsonArray(new JsonObject { ["matchLabels"] = new JsonObject { [name] = name } }));
            Add(12, "routerID", name);
            Add(13, "fieldOfALaterRelease", new JsonObject { ["x"] = new JsonArray(1, 2) });
            return made.ToJsonString();
        });
        spec.Sample(written => Same(Peer(New, written), To(New, To(Old, Peer(New, written)))));
    }

    private static JsonObject To(string version, JsonObject peer)
    {
        var before = peer.ToJsonString();
        var (converted, problem) = BgpPeerConversion.Convert(peer, version);
        Assert.Empty(problem);
        Assert.Equal(before, peer.ToJsonString());
        return converted!;
    }

    private static JsonObject Peer(string version, string spec) => new()
    {
        ["apiVersion"] = version,
        ["kind"] = "BGPPeer",
        ["metadata"] = new JsonObject { ["name"] = "a", ["namespace"] = "metallb-system", ["uid"] = "1", ["labels"] = new JsonObject { ["l"] = "1" } },
        ["spec"] = JsonNode.Parse(spec),
    };

    private static void Same(JsonNode expected, JsonNode actual) => Assert.True(JsonNode.DeepEquals(expected, actual), $"expected {expected.ToJsonString()}\nactual   {actual.ToJsonString()}");
}
