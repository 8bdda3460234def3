using System.Text.Json.Nodes;
using Portolan.Commands;
using Portolan.Commands.Install;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Tests.Install;

public sealed class ManifestsTests
{
    private static readonly InstallPlan Full = new()
    {
        Namespace = "metallb-system",
        Pool = ["192.168.100.240-192.168.100.249"],
        WithSystem = true,
        WithProxy = true,
        Master = "https://192.168.100.10:6443",
        Image = "registry.example/portolan:1",
    };

    [Fact]
    public void HoldsEverythingInOrder()
    {
        var kinds = Full.Everything().Select(ManifestKind.Title).ToList();
        Assert.Equal(13, kinds.Count(kind => kind.StartsWith("customresourcedefinition", StringComparison.Ordinal)));
        Assert.True(kinds.IndexOf("namespace/metallb-system") < kinds.IndexOf("serviceaccount/controller"));
        Assert.True(kinds.IndexOf("serviceaccount/speaker") < kinds.IndexOf("daemonset.apps/speaker"));
        Assert.Contains("deployment.apps/controller", kinds);
        Assert.Contains("daemonset.apps/portolan-proxy", kinds);
        Assert.Equal(["ipaddresspool.metallb.io/default", "l2advertisement.metallb.io/default"], kinds[^2..]);
    }

    [Fact, Contract("§1.11 frr-k8s")]
    public void BringsNoKindOfFrr() =>
        Assert.All(Manifests.Definitions(), definition => Assert.Contains((string?)definition["spec"]!["group"], new[] { "metallb.io", "portolan.dev" }));

    [Fact]
    public void PutsTheImageAndTheServerIn()
    {
        var proxy = Full.Everything().Single(item => ManifestKind.Title(item) == "daemonset.apps/portolan-proxy");
        var container = proxy["spec"]!["template"]!["spec"]!["containers"]![0]!;
        Assert.Equal("registry.example/portolan:1", (string?)container["image"]);
        Assert.Equal(["proxy", "--master=https://192.168.100.10:6443"], container["args"]!.AsArray().Select(argument => (string?)argument));
    }

    [Fact]
    public void MovesEverythingToAnotherNamespace()
    {
        var text = YamlText.Documents((Full with { Namespace = "edge", WithProxy = false }).Everything());
        Assert.DoesNotContain("metallb-system", text, StringComparison.Ordinal);
        Assert.Contains("name: \"edge:speaker\"", text.Replace("name: edge:speaker", "name: \"edge:speaker\"", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void PrintedYamlReadsBackAsTheSame()
    {
        var everything = Full.Everything().ToList();
        var again = YamlJson.Documents(YamlText.Documents(everything));
        Assert.Equal(everything.Count, again.Count);
        foreach (var (before, after) in everything.Zip(again))
            Assert.True(JsonNode.DeepEquals(before, after), YamlText.Document(before));
    }

    // The published rules for structural schemas (apiextensions.k8s.io/v1) that a server refuses a definition over.
    [Fact]
    public void DefinitionsAreStructural()
    {
        foreach (var definition in Manifests.Definitions())
        {
            var name = (string)definition["metadata"]!["name"]!;
            var spec = definition["spec"]!;
            Assert.Equal($"{(string?)spec["names"]!["plural"]}.{(string?)spec["group"]}", name);
            Assert.Single(spec["versions"]!.AsArray(), version => (bool)version!["storage"]!);
            foreach (var version in spec["versions"]!.AsArray())
            {
                var schema = version!["schema"]!["openAPIV3Schema"]!.AsObject();
                Assert.NotNull(version["subresources"]!["status"]);
                CheckStructural(schema, name);
                foreach (var column in version["additionalPrinterColumns"]?.AsArray() ?? [])
                {
                    Assert.Contains((string)column!["type"]!, (string[])["string", "integer", "number", "boolean", "date"]);
                    Assert.StartsWith(".", (string)column["jsonPath"]!, StringComparison.Ordinal);
                }
            }
        }
    }

    private static void CheckStructural(JsonObject schema, string path)
    {
        var type = (string?)schema["type"];
        Assert.True(type is not null, $"{path} has no type");
        if (schema["properties"] is JsonObject properties)
        {
            Assert.True(type == "object", path);
            Assert.False(schema.ContainsKey("additionalProperties"), path);
            foreach (var (name, value) in properties)
                CheckStructural(value!.AsObject(), $"{path}.{name}");
            foreach (var required in schema["required"]?.AsArray() ?? [])
                Assert.True(properties.ContainsKey((string)required!), $"{path}: {required} is required but not there");
        }

        if (type == "array")
            CheckStructural(schema["items"]!.AsObject(), path + "[]");
        if (schema["additionalProperties"] is JsonObject values)
            CheckStructural(values, path + "{}");
        if (schema["x-kubernetes-list-map-keys"] is JsonArray keys)
            foreach (var key in keys)
                Assert.Contains((string)key!, schema["items"]!["required"]!.AsArray().Select(field => (string?)field));
    }
}
