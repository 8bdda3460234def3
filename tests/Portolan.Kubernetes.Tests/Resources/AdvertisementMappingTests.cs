using System.Text.Json;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Resources;

public sealed class AdvertisementMappingTests
{
    [Fact]
    public void ReadsAnAdvertisement()
    {
        var errors = new List<FieldError>();
        var advertisement = Read("""
            {"metadata":{"name":"l2"},"spec":{"ipAddressPools":["lan"],"interfaces":["eth0"],
             "ipAddressPoolSelectors":[{"matchLabels":{"zone":"a"}}],
             "nodeSelectors":[{"matchExpressions":[{"key":"rack","operator":"In","values":["1","2"]}]}],
             "serviceSelectors":[{"matchExpressions":[{"key":"public","operator":"Exists"}]}]}}
            """).ToAdvertisement(errors);
        Assert.Empty(errors);
        Assert.Equal("lan|zone in (a)|rack in (1,2)|public|eth0", string.Join('|',
            string.Join(',', advertisement!.IPAddressPools), string.Join(',', advertisement.IPAddressPoolSelectors),
            string.Join(',', advertisement.NodeSelectors), string.Join(',', advertisement.ServiceSelectors), string.Join(',', advertisement.Interfaces)));
    }

    [Theory]
    [InlineData("""{"spec":{"nodeSelectors":[{"matchExpressions":[{"key":"rack","operator":"in"}]}]}}""", "spec.nodeSelectors[0].matchExpressions[0].operator: in: must be In, NotIn, Exists or DoesNotExist")]
    [InlineData("""{"spec":{"ipAddressPools":["a","b","a"]}}""", "spec.ipAddressPools[2]: a: is listed twice")]
    [InlineData("""{"spec":{"nodeSelectors":[{"matchLabels":{"a":"b"}},{"matchLabels":{"a":"b"}}]}}""", "spec.nodeSelectors[1]: a in (b): is listed twice")]
    public void NamesTheFieldAndTheRule(string json, string expected)
    {
        var errors = new List<FieldError>();
        Assert.Null(Read(json).ToAdvertisement(errors));
        Assert.Equal([expected], errors.Select(error => error.ToString()));
    }

    [Fact]
    public void RestrictsNothing_WhenNothingIsWritten()
    {
        var errors = new List<FieldError>();
        var advertisement = Read("""{"metadata":{"name":"l2"}}""").ToAdvertisement(errors);
        Assert.True(advertisement!.Selects(new NodeFacts { Name = "node1" }));
    }

    [Fact]
    public void ReadsAPool()
    {
        var pool = JsonSerializer.Deserialize("""
            {"metadata":{"name":"lan","labels":{"zone":"a"}},"spec":{"addresses":["192.0.2.0/24"],"autoAssign":false,
             "serviceAllocation":{"priority":5,"namespaces":["shop"],"namespaceSelectors":[{"matchLabels":{"team":"x"}}],"serviceSelectors":[{"matchExpressions":[{"key":"","operator":"Exists"}]}]}}}
            """, KubeJson.Default.IPAddressPool)!.ToSpec();
        Assert.Equal(("lan", "a", "192.0.2.0/24", false, 5, "shop", "team in (x)"), (
            pool.Name, pool.Labels["zone"], pool.Addresses[0], pool.AutoAssign, pool.Priority, pool.Namespaces[0], pool.NamespaceSelectors[0].ToString()));
        Assert.Equal("spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].key: a label key is required", Assert.Single(pool.ReadErrors).ToString());
    }

    private static L2Advertisement Read(string json) => JsonSerializer.Deserialize(json, KubeJson.Default.L2Advertisement)!;
}
