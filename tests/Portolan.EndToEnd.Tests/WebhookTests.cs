using System.Text.Json.Nodes;

namespace Portolan.EndToEnd.Tests;

/// <summary>The controller's webhook as users meet it: objects are refused while it is there, and reported when it was not.</summary>
[Collection(LabCollection.Name)]
public sealed class WebhookTests(LabFixture fixture)
{
    private const string Overlap = "192.168.100.245-192.168.100.255";
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    [Contract("§1.10 webhook")]
    public async Task RefusesWhatDoesNotGoTogether_WithPathAndRule()
    {
        await TrustedAsync();
        try
        {
            var refused = _lab.Apply(Pool("overlapping", Overlap)).Fails();
            Assert.Contains("admission webhook \"ipaddresspoolvalidationwebhook.metallb.io\" denied the request: spec.addresses[0]: 192.168.100.245-192.168.100.255: overlaps", refused.All);
            refused = _lab.Apply(Pool("backwards", "192.168.7.9-192.168.7.1")).Fails();
            Assert.Contains("spec.addresses[0]: 192.168.7.9-192.168.7.1: range ends before it starts", refused.All);
            refused = _lab.Apply(Pool("elsewhere", "192.168.7.0/24").Replace("metallb-system", "default", StringComparison.Ordinal)).Fails();
            Assert.Contains("metadata.namespace", refused.All);

            // What the object says by itself is not even brought before the webhook.
            refused = _lab.Apply(Pool("bare", "192.168.7.1")).Fails();
            Assert.Contains("spec.addresses[0]", refused.All);
            Assert.Contains("192.168.7.1: must be a CIDR block like 192.0.2.0/24 or a range", refused.All);
            await _lab.AnswersAsync(LabFixture.Vip, 5);
        }
        finally
        {
            _lab.Kubectl("delete ipaddresspool -n metallb-system overlapping backwards bare --ignore-not-found");
        }
    }

    [Fact]
    [Contract("§1 stale configuration")]
    public async Task LetsEverythingPassWhileTheControllerIsAway_AndReportsItAfterwards()
    {
        await TrustedAsync();
        try
        {
            _lab.Kubectl("scale deployment controller -n metallb-system --replicas=0").Succeeds();
            await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get po -n metallb-system -l component=controller -o name")).Output, pods => pods.Trim().Length == 0, 30, "no controller");
            _lab.Apply(Pool("overlapping", Overlap)).Succeeds();
            _lab.Kubectl("scale deployment controller -n metallb-system --replicas=1").Succeeds();
            var report = await Shell.EventuallyAsync(
                async () => (await _lab.KubectlAsync("get configurationstate controller -n metallb-system -o jsonpath='{.status.result} {.status.errorSummary}'")).Output,
                text => text.StartsWith("Invalid", StringComparison.Ordinal) && text.Contains("overlap", StringComparison.Ordinal), 40, "a ConfigurationState that says so");
            Assert.Contains("spec.addresses[0]", report);
            await _lab.AnswersAsync(LabFixture.Vip, 5);
        }
        finally
        {
            _lab.Kubectl("delete ipaddresspool -n metallb-system overlapping --ignore-not-found");
            _lab.Kubectl("scale deployment controller -n metallb-system --replicas=1");
            _lab.Kubectl("rollout status deployment controller -n metallb-system --timeout=40s");
        }

        await Shell.EventuallyAsync(
            async () => (await _lab.KubectlAsync("get configurationstate controller -n metallb-system -o jsonpath='{.status.result}'")).Output, text => text == "Valid", 30, "a valid ConfigurationState");
    }

    [Fact]
    [Contract("§1 versions")]
    public async Task ServesPeersAsV1beta1AndV1beta2()
    {
        await TrustedAsync();
        const string Old = "apiVersion: metallb.io/v1beta1\nkind: BGPPeer\nmetadata: {name: old, namespace: metallb-system}\nspec: {myASN: 64512, peerASN: 64513, peerAddress: 192.168.100.1, holdTime: 90s}";
        try
        {
            _lab.Apply(Old).Succeeds();
            Assert.Contains("192.168.100.1", _lab.Kubectl("get bgppeers.v1beta1.metallb.io -n metallb-system").Succeeds().Output);
            _lab.Kubectl("patch bgppeers.v1beta2.metallb.io old -n metallb-system --type=merge -p '{\"spec\":{\"vrf\":\"red\",\"connectTime\":\"10s\"}}'").Succeeds();
            var before = Spec("v1beta2");

            // Whoever still speaks v1beta1 changes what he knows, and nothing else.
            _lab.Apply(Old.Replace("90s", "60s", StringComparison.Ordinal)).Succeeds();
            before["holdTime"] = "60s";
            Assert.True(JsonNode.DeepEquals(before, Spec("v1beta2")), $"{before.ToJsonString()}\n{Spec("v1beta2").ToJsonString()}");
            Assert.False(Spec("v1beta1").ContainsKey("vrf"));
        }
        finally
        {
            _lab.Kubectl("delete bgppeer -n metallb-system old --ignore-not-found");
        }
    }

    private JsonObject Spec(string version) => (JsonObject)JsonNode.Parse(_lab.Kubectl($"get bgppeers.{version}.metallb.io old -n metallb-system -o json").Succeeds().Output)!["spec"]!;

    /// <summary>The API server was told which authority signs the webhook's certificate, and the controller runs.</summary>
    private async Task TrustedAsync()
    {
        _lab.Kubectl("rollout status deployment controller -n metallb-system --timeout=40s").Succeeds();
        await Shell.EventuallyAsync(
            async () => (await _lab.KubectlAsync("get validatingwebhookconfiguration metallb-webhook-configuration -o jsonpath='{.webhooks[*].clientConfig.caBundle}'")).Output,
            bundles => bundles.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == 8, 20, "trust in the webhook");
    }

    private static string Pool(string name, string range) =>
        $"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {{name: {name}, namespace: metallb-system}}\nspec: {{addresses: [\"{range}\"]}}";
}
