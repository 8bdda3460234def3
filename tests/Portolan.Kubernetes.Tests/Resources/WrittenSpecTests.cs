using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Resources;

public sealed class WrittenSpecTests
{
    [Theory]
    [InlineData("""{"metadata":{"name":"p"},"spec":{"myASN":64512,"peerASN":4294967295,"peerAddress":"10.0.0.1","holdTime":"1m30s","nodeSelectors":[{"matchLabels":{"a":"b"}}],"passwordSecret":{"name":"s","namespace":"n"},"later":{"field":[1,2.50]}}}""")]
    [InlineData("""{"metadata":{"name":"p"},"spec":{"myASN":"many","peerASN":1,"password":"x"}}""")]
    [InlineData("""{"metadata":{"name":"p"},"spec":"none"}""")]
    [InlineData("""{"metadata":{"name":"p"}}""")]
    public void NothingOfAPeerIsLost(string json) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), JsonSerializer.SerializeToNode(JsonSerializer.Deserialize(json, KubeJson.Default.BGPPeer)!, KubeJson.Default.BGPPeer)));

    [Fact]
    public void NamesTheFieldThatIsOfAnotherType()
    {
        var pool = JsonSerializer.Deserialize("""{"metadata":{"name":"p"},"spec":{"serviceAllocation":{"namespaceSelectors":[{"matchLabels":{"a":{"b":true}}}]}}}""", KubeJson.Default.IPAddressPool)!;
        var spec = pool.ToSpec();
        Assert.False(spec.IsReadable);
        Assert.Equal("spec.serviceAllocation.namespaceSelectors[0].matchLabels.a: {\"b\":true}: is not of the type that this field has", Assert.Single(spec.ReadErrors).ToString());
    }

    [Fact]
    [Contract("§1.8 ServiceBGPStatus")]
    public void ReadsAServiceBGPStatus()
    {
        const string json = """{"metadata":{"name":"bgp-x"},"spec":{},"status":{"node":"n","serviceName":"s","serviceNamespace":"ns","peers":["tor"]}}""";
        var status = JsonSerializer.Deserialize(json, KubeJson.Default.ServiceBGPStatus)!;
        Assert.Equal(("n", "s", "ns", "tor"), (status.Status!.Node, status.Status.ServiceName, status.Status.ServiceNamespace, status.Status.Peers![0]));
        Assert.Equal("apis/metallb.io/v1beta1/namespaces/x/servicebgpstatuses/y/status", Kinds.ServiceBGPStatuses.Path("x", "y", "status"));
    }
}
