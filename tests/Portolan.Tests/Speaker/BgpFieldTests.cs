using System.Text.Json;
using Portolan.Kubernetes.Yaml;
using Portolan.Tests.Install;

namespace Portolan.Tests.Speaker;

/// <summary>docs/bgp.md says of every field what it does here, or that it does nothing.</summary>
public sealed class BgpFieldTests
{
    private static readonly string[] WithoutEffect = ["disableMP", "echoMode", "echoInterval"];

    [Theory]
    [InlineData("bgppeers", "### Fields of BGPPeer")]
    [InlineData("bgpadvertisements", "### Fields of BGPAdvertisement, Community and BFDProfile")]
    [InlineData("bfdprofiles", "### Fields of BGPAdvertisement, Community and BFDProfile")]
    [InlineData("communities", "### Fields of BGPAdvertisement, Community and BFDProfile")]
    public void EveryFieldIsAccountedFor(string plural, string section)
    {
        var rows = File.ReadLines(Path.Combine(Helm.Root, "docs", "bgp.md")).SkipWhile(line => line != section).Skip(1).TakeWhile(line => !line.StartsWith('#'))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal)).ToList();
        foreach (var field in Fields(plural))
        {
            var row = Assert.Single(rows, row => row.Split('|')[1].Contains($"`{field}`", StringComparison.Ordinal));
            Assert.Equal(WithoutEffect.Contains(field), row.Contains("**without effect**", StringComparison.Ordinal));
        }
    }

    // Of the version that is stored.
    private static List<string> Fields(string plural)
    {
        var definition = JsonSerializer.SerializeToElement(YamlJson.Documents(File.ReadAllText(Path.Combine(Helm.Root, "deploy", "crds", plural + ".yaml"))).Single());
        var stored = definition.GetProperty("spec").GetProperty("versions").EnumerateArray().Single(version => version.GetProperty("storage").GetBoolean());
        return [.. stored.GetProperty("schema").GetProperty("openAPIV3Schema").GetProperty("properties").GetProperty("spec").GetProperty("properties").EnumerateObject().Select(field => field.Name)];
    }
}
