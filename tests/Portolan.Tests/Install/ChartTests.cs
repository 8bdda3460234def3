using System.Text.Json.Nodes;
using Portolan.Commands;
using Portolan.Commands.Install;

namespace Portolan.Tests.Install;

/// <summary>The Helm chart beside the manifests it is made from, rendered by the real Helm.</summary>
public sealed class ChartTests
{
    private const string Server = "https://192.168.100.10:6443";

    [Fact]
    public void RendersWhatTheManifestsSay_ButForNamesAndLabels()
    {
        var plan = new InstallPlan { Namespace = "metallb-system", Pool = [], WithSystem = true, WithProxy = true, Master = Server, Image = "portolan", Timeout = null };
        var wanted = plan.Everything().Where(item => (string?)item["kind"] != "Namespace").Select(FromManifest).ToDictionary(Key, StringComparer.Ordinal);
        var rendered = Helm.Template("test", "--set", "fullnameOverride=zz", "--set", "prometheus.scrapeAnnotations=true", "--set", $"proxy.enabled=true,proxy.master={Server}")
            .Select(FromChart).ToDictionary(Key, StringComparer.Ordinal);

        Assert.Equal(wanted.Keys.Order(StringComparer.Ordinal), rendered.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, item) in wanted)
            Assert.True(JsonNode.DeepEquals(item, rendered[key]), $"{key}\nmanifest:\n{YamlText.Document(item)}\nchart:\n{YamlText.Document(rendered[key])}");
    }

    /// <summary>A selector cannot be changed: `helm upgrade metallb` from MetalLB's chart to this one must find the one it made.</summary>
    [Theory]
    [InlineData("metallb", "metallb")]
    [InlineData("my-metallb", "my-metallb")]
    [InlineData("portolan", "portolan")]
    [InlineData("edge", "edge-metallb")]
    public void NamesAndSelectsAsMetalLbsChart(string release, string fullname)
    {
        var objects = Helm.Template(release);
        foreach (var (kind, component) in new[] { ("Deployment", "controller"), ("DaemonSet", "speaker") })
        {
            var workload = objects.Single(item => (string?)item["kind"] == kind);
            Assert.Equal($"{fullname}-{component}", (string?)workload["metadata"]!["name"]);
            var selector = workload["spec"]!["selector"]!["matchLabels"]!;
            Assert.Equal($$"""{"app.kubernetes.io/component":"{{component}}","app.kubernetes.io/instance":"{{release}}","app.kubernetes.io/name":"metallb"}""", Sorted(selector));
            Assert.True(JsonNode.DeepEquals(selector, workload["spec"]!["template"]!["metadata"]!["labels"]));
        }
    }

    [Fact]
    public void LimitsDisruptions_OnlyWhereThereAreReplicasToSpare()
    {
        Assert.DoesNotContain(Helm.Template("metallb"), item => (string?)item["kind"] == "PodDisruptionBudget");
        var objects = Helm.Template("metallb", "--set", "controller.replicas=3");
        var budget = objects.Single(item => (string?)item["kind"] == "PodDisruptionBudget");
        Assert.Equal("1", budget["spec"]!["maxUnavailable"]!.ToJsonString());
        var deployment = objects.Single(item => (string?)item["kind"] == "Deployment");
        Assert.Equal("3", deployment["spec"]!["replicas"]!.ToJsonString());
        Assert.True(JsonNode.DeepEquals(budget["spec"]!["selector"], deployment["spec"]!["selector"]));
    }

    [Fact]
    public void LeavesNoNameOfTheManifests()
    {
        var text = YamlText.Documents(Helm.Template("edge", "--namespace", "edge", "--set", $"proxy.enabled=true,proxy.master={Server}"));
        Assert.DoesNotContain("metallb-system", text, StringComparison.Ordinal);
        Assert.DoesNotContain("app: metallb", text, StringComparison.Ordinal);
        Assert.DoesNotContain("kube-system", text, StringComparison.Ordinal);
    }

    [Fact]
    public void TakesTheValuesOfAMetalLbUser()
    {
        var values = Path.Combine(Helm.Root, "tests/Portolan.Tests/Install/metallb-values.yaml");
        var objects = Helm.Template("metallb", "-f", values);
        var controller = Pod(objects, "Deployment");
        var speaker = Pod(objects, "DaemonSet");
        Assert.Equal("infra", (string?)controller["nodeSelector"]!["role"]);
        Assert.Equal("linux", (string?)controller["nodeSelector"]!["kubernetes.io/os"]);
        Assert.Equal("100Mi", (string?)controller["containers"]![0]!["resources"]!["limits"]!["memory"]);
        Assert.Equal("registry.example/portolan:1", (string?)controller["containers"]![0]!["image"]);
        Assert.Contains("--log-level=debug", Arguments(controller));
        Assert.Contains("--lb-class=example.com/edge", Arguments(controller));
        Assert.Contains("--lb-class=example.com/edge", Arguments(speaker));
        Assert.Contains("--port=7473", Arguments(controller));
        Assert.Contains("--port=7473", Arguments(speaker));
        Assert.Contains("--ignore-exclude-lb", Arguments(speaker));
        Assert.Equal("10.0.0.1", Variable(speaker, "METALLB_ML_BIND_ADDR"));
        Assert.Equal("7950", Variable(speaker, "METALLB_ML_BIND_PORT"));
        Assert.Contains(speaker["containers"]![0]!["ports"]!.AsArray(), port => (string?)port!["name"] == "memberlist-udp" && (long)port["containerPort"]! == 7950);
        Assert.Equal(7473, (long)speaker["containers"]![0]!["readinessProbe"]!["httpGet"]!["port"]!);
        Assert.Equal(7, (long)speaker["containers"]![0]!["livenessProbe"]!["failureThreshold"]!);
        Assert.Contains(speaker["tolerations"]!.AsArray(), toleration => (string?)toleration!["key"] == "dedicated");
        Assert.Equal("system-node-critical", (string?)speaker["priorityClassName"]);
        Assert.Equal(
            ["MetalLBAddressPoolExhausted", "MetalLBAddressPoolUsage80Percent", "MetalLBBGPSessionDown", "MetalLBConfigNotLoaded", "MetalLBStaleConfig"],
            objects.Single(item => (string?)item["kind"] == "PrometheusRule")["spec"]!["groups"]![0]!["rules"]!.AsArray().Select(rule => (string?)rule!["alert"]).Order(StringComparer.Ordinal));
        Assert.Equal(2, objects.Count(item => (string?)item["kind"] == "PodMonitor"));
        var policy = objects.Single(item => (string?)item["kind"] == "NetworkPolicy");
        Assert.Equal(6444, (long)policy["spec"]!["egress"]![0]!["ports"]![0]!["port"]!);

        var notes = Helm.Run("install", "metallb", Helm.Chart, "--dry-run=client", "-f", values);
        Assert.DoesNotContain("speaker.memberlist", notes.Output, StringComparison.Ordinal);
        Assert.Contains("frrk8s: there is no FRR", notes.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void SpeakerHasNoRightToChangeTheNetwork_WhereItNeedsNone()
    {
        static (IEnumerable<string?> Rights, IEnumerable<string?> Arguments) Speaker(params string[] values)
        {
            var speaker = Pod(Helm.Template("portolan", values), "DaemonSet");
            return (speaker["containers"]![0]!["securityContext"]!["capabilities"]!["add"]!.AsArray().Select(right => (string?)right), Arguments(speaker));
        }

        Assert.Equal(["NET_RAW", "NET_ADMIN", "NET_BIND_SERVICE"], Speaker().Rights);
        Assert.Equal(["NET_RAW", "NET_BIND_SERVICE"], Speaker("--set", "speaker.plannedMoves=false").Rights);
        Assert.Contains("--planned-moves=false", Speaker("--set", "speaker.plannedMoves=false").Arguments);
    }

    /// <summary>MetalLB's charts meant plain metrics by the port up to 0.15, and TLS since.</summary>
    [Fact]
    public void ServesMetricsOverTls_WhenThePortIsThatOfLaterCharts()
    {
        var objects = Helm.Template("metallb", "--set", "prometheus.metricsPort=9120,prometheus.serviceMonitor.enabled=true,prometheus.serviceAccount=p,prometheus.namespace=m,networkpolicies.enabled=true");
        foreach (var kind in (string[])["Deployment", "DaemonSet"])
        {
            var pod = Pod(objects, kind);
            Assert.Contains("--secure-port=9120", Arguments(pod));
            Assert.Contains("--port=7472", Arguments(pod));
            Assert.Single(pod["containers"]![0]!["ports"]!.AsArray(), port => (long)port!["containerPort"]! == 9120);
        }

        var monitors = objects.Where(item => (string?)item["kind"] == "ServiceMonitor").ToList();
        Assert.Equal(2, monitors.Count);
        Assert.All(monitors, monitor => Assert.Equal("https", (string?)monitor["spec"]!["endpoints"]![0]!["scheme"]));
        Assert.Contains(objects.Single(item => (string?)item["kind"] == "NetworkPolicy")["spec"]!["ingress"]![0]!["ports"]!.AsArray(), port => (long)port!["port"]! == 9120);
        var binding = objects.Single(item => (string?)item["metadata"]!["name"] == "metallb:prometheus");
        Assert.Contains(objects, item => (string?)item["kind"] == "ClusterRole" && (string?)item["metadata"]!["name"] == (string?)binding["roleRef"]!["name"]);
    }

    [Theory]
    [InlineData("configInline.peers=x", "portolan import metallb")]
    [InlineData("speaker.frr.enabled=true,frrk8s.enabled=true", "only one of them can be true")]
    [InlineData("controller.image.repository=quay.io/metallb/controller", "MetalLB's image and has no portolan in it")]
    [InlineData("speaker.image.repository=mirror.example/metallb/speaker", "MetalLB's image and has no portolan in it")]
    [InlineData("controller.logLevel=loud", "at '/controller/logLevel'")]
    [InlineData("controller.replicas=0", "at '/controller/replicas'")]
    [InlineData("crds.validationFailurePolicy=Maybe", "at '/crds/validationFailurePolicy'")]
    [InlineData("networkpolicies.apiPort=99999", "at '/networkpolicies/apiPort'")]
    [InlineData("prometheus.podMonitor.enabled=true", "prometheus.serviceAccount")]
    [InlineData("prometheus.podMonitor.enabled=true,prometheus.serviceMonitor.enabled=true", "only one of them")]
    [InlineData("proxy.enabled=true", "proxy.master")]
    public void RefusesWhatCannotBeMeant(string values, string words)
    {
        var (exitCode, _, error) = Helm.Run("template", "metallb", Helm.Chart, "--set", values);
        Assert.NotEqual(0, exitCode);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rbac.create=false", "ClusterRole")]
    [InlineData("crds.enabled=false", "CustomResourceDefinition")]
    [InlineData("speaker.enabled=false", "DaemonSet")]
    [InlineData("controller.enabled=false", "Deployment")]
    [InlineData("controller.webhookMode=disabled", "ValidatingWebhookConfiguration")]
    public void LeavesOutWhatIsTurnedOff(string values, string kind) =>
        Assert.DoesNotContain(Helm.Template("metallb", "--set", values), item => (string?)item["kind"] == kind);

    [Fact]
    public void KeepsTheDefinitions_SoThatPoolsOutliveAnUninstall()
    {
        var definitions = Helm.Template("metallb").Where(item => (string?)item["kind"] == "CustomResourceDefinition").ToList();
        Assert.NotEmpty(definitions);
        Assert.All(definitions, definition => Assert.Equal("keep", (string?)definition["metadata"]!["annotations"]!["helm.sh/resource-policy"]));
    }

    [Fact]
    public void PacksToTheSame()
    {
        Helm.Needed();
        using var packing = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(Path.Combine(Helm.Root, "eng", "chart.sh")) { RedirectStandardOutput = true })!;
        var archive = packing.StandardOutput.ReadToEnd().Trim();
        packing.WaitForExit();
        Assert.Equal(YamlText.Documents(Helm.Template("edge")), YamlText.Documents(Helm.Template(archive, "edge", [])));
    }

    private static JsonObject Pod(IEnumerable<JsonObject> objects, string kind) => objects.Single(item => (string?)item["kind"] == kind)["spec"]!["template"]!["spec"]!.AsObject();

    private static string? Variable(JsonObject pod, string name) =>
        (string?)pod["containers"]![0]!["env"]!.AsArray().Single(variable => (string?)variable!["name"] == name)!["value"];

    private static IEnumerable<string?> Arguments(JsonObject pod) => pod["containers"]![0]!["args"]!.AsArray().Select(argument => (string?)argument);

    private static string Sorted(JsonNode map) => "{" + string.Join(',', map.AsObject().OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"\"{pair.Key}\":\"{pair.Value}\"")) + "}";

    private static string Key(JsonObject item) => $"{item["kind"]}/{item["metadata"]!["namespace"]}/{item["metadata"]!["name"]}";

    private static JsonObject FromManifest(JsonObject item) => Comparable(item, text => text.Replace("kube-system", "metallb-system", StringComparison.Ordinal), labels => labels);

    private static JsonObject FromChart(JsonObject item) => Comparable(
        item,
        text => text
            .Replace("zz-proxy", "portolan-proxy", StringComparison.Ordinal)
            .Replace("zz:", "metallb-system:", StringComparison.Ordinal)
            .Replace("zz-", "", StringComparison.Ordinal)
            .Replace("app.kubernetes.io/name=metallb,app.kubernetes.io/instance=test,app.kubernetes.io/component=", "app=metallb,component=", StringComparison.Ordinal),
        labels =>
        {
            if ((string?)labels["app.kubernetes.io/name"] != "metallb" || (string?)labels["app.kubernetes.io/instance"] != "test")
                return labels;
            return (string?)labels["app.kubernetes.io/component"] switch
            {
                "proxy" => new JsonObject { ["app"] = "portolan-proxy" },
                { } component => new JsonObject { ["app"] = "metallb", ["component"] = component },
                null => new JsonObject { ["app"] = "metallb" },
            };
        });

    /// <summary>Without the object's own labels; selectors and the labels of pods stay, under the manifests' names.</summary>
    private static JsonObject Comparable(JsonObject item, Func<string, string> rename, Func<JsonObject, JsonObject> relabel)
    {
        var copy = (JsonObject)Walk(item)!;
        var metadata = copy["metadata"]!.AsObject();
        metadata.Remove("labels");
        if (metadata["annotations"] is JsonObject annotations && annotations.Remove("helm.sh/resource-policy") && annotations.Count == 0)
            metadata.Remove("annotations");
        return copy;

        JsonNode? Walk(JsonNode? node, string field = "") => node switch
        {
            JsonObject map => new JsonObject(relabel(map).Select(pair => KeyValuePair.Create(pair.Key, Walk(pair.Value, pair.Key)))),
            // The order of flags says nothing.
            JsonArray list when field == "args" => new JsonArray([.. list.Select(element => Walk(element)).OrderBy(element => (string?)element, StringComparer.Ordinal)]),
            JsonArray list => new JsonArray([.. list.Select(element => Walk(element))]),
            JsonValue value when value.TryGetValue<string>(out var text) => rename(text),
            _ => node?.DeepClone(),
        };
    }
}
