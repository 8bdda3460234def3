using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.Schema;

public sealed class ProtobufTests
{
    [Fact]
    public void ReadsAServiceAsItsJson()
    {
        byte[] metadata = [.. Protobuf.Text(1, "web"), .. Protobuf.Text(2, ""), .. Protobuf.Bytes(8, []), .. Protobuf.Bytes(11, [.. Protobuf.Text(1, "app"), .. Protobuf.Text(2, "web")])];
        byte[] port = [.. Protobuf.Text(1, "http"), .. Protobuf.Text(2, "TCP"), .. Protobuf.Whole(3, 80), .. Protobuf.Bytes(4, [.. Protobuf.Whole(1, 0), .. Protobuf.Whole(2, 8080), .. Protobuf.Text(3, "")]), .. Protobuf.Whole(5, 0)];
        byte[] named = [.. Protobuf.Whole(3, 443), .. Protobuf.Bytes(4, [.. Protobuf.Whole(1, 1), .. Protobuf.Whole(2, 0), .. Protobuf.Text(3, "tls")])];
        byte[] spec = [.. Protobuf.Bytes(1, port), .. Protobuf.Bytes(1, named), .. Protobuf.Bytes(2, [.. Protobuf.Text(1, "app"), .. Protobuf.Text(2, "web")]), .. Protobuf.Text(4, "LoadBalancer"), .. Protobuf.Whole(20, 0)];
        var service = Decode("v1", "Service", [.. Protobuf.Bytes(1, metadata), .. Protobuf.Bytes(2, spec), .. Protobuf.Bytes(3, Protobuf.Bytes(1, []))]);
        Assert.Empty(Kinds.Get("Service").Decode(service).Problems);
        // Zeros that are written without being meant are gone; allocateLoadBalancerNodePorts: false was meant.
        Assert.Equal(
            """{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":8080},{"port":443,"targetPort":"tls"}],"selector":{"app":"web"},"type":"LoadBalancer","allocateLoadBalancerNodePorts":false},"status":{"loadBalancer":{}}}""",
            service.ToJsonString());
    }

    [Fact]
    public void ReadsInlinedMessagesInPlace()
    {
        byte[] volume = [.. Protobuf.Text(1, "v"), .. Protobuf.Bytes(2, Protobuf.Bytes(2, []))];
        byte[] limit = [.. Protobuf.Text(1, "cpu"), .. Protobuf.Bytes(2, Protobuf.Text(1, "500m"))];
        byte[] container = [.. Protobuf.Text(1, "c"), .. Protobuf.Bytes(8, Protobuf.Bytes(1, limit))];
        var pod = Decode("v1", "Pod", Protobuf.Bytes(2, [.. Protobuf.Bytes(1, volume), .. Protobuf.Bytes(2, container)]));
        Assert.Equal(
            """{"apiVersion":"v1","kind":"Pod","spec":{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","resources":{"limits":{"cpu":"500m"}}}]}}""",
            pod.ToJsonString());
    }

    [Fact]
    public void ReadsBytesTimesAndNegativeNumbers()
    {
        byte[] secret =
        [
            .. Protobuf.Bytes(1, [.. Protobuf.Bytes(8, Protobuf.Whole(1, 1_767_323_045)), .. Protobuf.Whole(7, -1)]),
            .. Protobuf.Bytes(2, [.. Protobuf.Text(1, "k"), .. Protobuf.Bytes(2, [0xff, 0x00])]),
        ];
        Assert.Equal(
            """{"apiVersion":"v1","kind":"Secret","metadata":{"creationTimestamp":"2026-01-02T03:04:05Z","generation":-1},"data":{"k":"/wA="}}""",
            Decode("v1", "Secret", secret).ToJsonString());
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, "expected prefix")]
    [InlineData(new byte[] { 0x6b, 0x38, 0x73, 0, 0x12, 0x7f }, "unexpected EOF")]
    [InlineData(new byte[] { 0x6b, 0x38, 0x73, 0 }, "no kind \"\" is registered for version \"\"")]
    public void RefusesWhatIsNotProtobuf(byte[] body, string expected)
    {
        Assert.Null(ProtobufDecoder.Decode(body, BuiltInKinds.FindType, out var problem));
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    private static System.Text.Json.Nodes.JsonObject Decode(string apiVersion, string kind, byte[] raw)
    {
        byte[] body = [.. "k8s\0"u8, .. Protobuf.Bytes(1, [.. Protobuf.Text(1, apiVersion), .. Protobuf.Text(2, kind)]), .. Protobuf.Bytes(2, raw)];
        var decoded = ProtobufDecoder.Decode(body, BuiltInKinds.FindType, out var problem);
        Assert.Null(problem);
        return decoded!;
    }
}
