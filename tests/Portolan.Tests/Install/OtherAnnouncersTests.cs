using System.Text.Json.Nodes;
using Portolan.Commands.Install;
using Portolan.Kubernetes.Resources;

namespace Portolan.Tests.Install;

public sealed class OtherAnnouncersTests
{
    private const string Raw = """{"app":"metallb","component":"speaker"}""";
    private const string Helm = """{"app.kubernetes.io/name":"metallb","app.kubernetes.io/component":"speaker"}""";

    [Theory]
    [InlineData("metallb-system", "speaker", Raw, "", null)] // taken over
    [InlineData("elsewhere", "speaker", Raw, "", "DaemonSet elsewhere/speaker serves the Services without a loadBalancerClass already")]
    [InlineData("metallb-system", "metallb-speaker", Helm, "", "DaemonSet metallb-system/metallb-speaker serves")]
    [InlineData("metallb-system", "metallb-speaker", Helm, "--lb-class=x.y/z", null)]
    [InlineData("metallb-system", "metallb-frr-k8s", """{"app.kubernetes.io/name":"frr-k8s","app.kubernetes.io/component":"frr-k8s"}""", "", null)]
    [InlineData("web", "speaker", """{"app":"loudspeaker"}""", "", null)]
    public void FindsWhoServesTheSameServices(string ns, string name, string labels, string argument, string? words)
    {
        var found = OtherAnnouncers.Among([("DaemonSet", Workload(ns, name, labels, argument))], "metallb-system", null);
        if (words is null)
            Assert.Null(found);
        else
            Assert.StartsWith(words, found, StringComparison.Ordinal);
    }

    [Fact]
    public void KnowsClassesApart()
    {
        var other = Workload("metallb", "metallb-speaker", Helm, "--lb-class=example.com/edge");
        Assert.Null(OtherAnnouncers.Among([("DaemonSet", other)], "metallb-system", null));
        Assert.Contains("loadBalancerClass example.com/edge", OtherAnnouncers.Among([("DaemonSet", other)], "metallb-system", "example.com/edge"), StringComparison.Ordinal);
    }

    [Fact]
    public void SaysHowToSwapARelease()
    {
        var other = Workload("metallb", "metallb-speaker", Helm, "");
        other.Json["metadata"]!["annotations"] = new JsonObject { ["meta.helm.sh/release-name"] = "metallb" };
        Assert.Contains("helm upgrade metallb deploy/chart/portolan -n metallb", OtherAnnouncers.Among([("DaemonSet", other)], "metallb-system", null), StringComparison.Ordinal);
    }

    private static UntypedObject Workload(string ns, string name, string labels, string argument) => new(JsonNode.Parse(
        $$"""{"metadata":{"name":"{{name}}","namespace":"{{ns}}"},"spec":{"template":{"metadata":{"labels":{{labels}}},"spec":{"containers":[{"args":["{{argument}}"]}]} } } }""")!.AsObject());
}
