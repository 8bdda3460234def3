using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Admission.PodSecurity;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

public sealed class PodSecurityTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Good = """
        {"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},
         "containers":[{"name":"c","image":"i","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}}}]}
        """;

    private static string Show(string spec, PodSecurityLevel level) => string.Join('\n', PodSecurityStandard.Violations((JsonObject)JsonNode.Parse(spec)!, level));

    [Theory]
    [InlineData("""{"hostNetwork":true,"hostPID":true}""", "host namespaces (hostNetwork=true, hostPID=true)")]
    [InlineData("""{"containers":[{"name":"a","securityContext":{"privileged":true}},{"name":"b","securityContext":{"privileged":true}}]}""", "privileged (containers \"a\", \"b\" must not set securityContext.privileged=true)")]
    [InlineData("""{"containers":[{"name":"a","securityContext":{"capabilities":{"add":["CHOWN","NET_ADMIN"]}}}]}""", "non-default capabilities (container \"a\" must not include \"NET_ADMIN\" in securityContext.capabilities.add)")]
    [InlineData("""{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}""", "hostPath volumes (volume \"v\")")]
    [InlineData("""{"initContainers":[{"name":"a","ports":[{"containerPort":1,"hostPort":80}]}]}""", "hostPort (container \"a\" uses hostPort 80)")]
    [InlineData("""{"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_syncookies","value":"1"},{"name":"kernel.msgmax","value":"1"}]}}""", "forbidden sysctls (kernel.msgmax)")]
    [InlineData("""{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}""", "seccompProfile (pod or containers must not set securityContext.seccompProfile.type to \"Unconfined\")")]
    [InlineData("""{"containers":[{"name":"a","image":"i"}]}""", "")]
    public void BaselineForbidsWhatReachesTheHost(string spec, string expected) => Assert.Equal(expected, Show(spec, PodSecurityLevel.Baseline));

    [Theory]
    [InlineData("{\"runAsNonRoot\":true,", "{", "runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true)")]
    [InlineData("\"seccompProfile\":{\"type\":\"RuntimeDefault\"}", "\"fsGroup\":1", "seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")")]
    [InlineData("\"allowPrivilegeEscalation\":false,", "", "allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false)")]
    [InlineData("\"drop\":[\"ALL\"],", "", "unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"])")]
    [InlineData("{\"runAsNonRoot\":true,", "{\"runAsNonRoot\":true,\"runAsUser\":0,", "runAsUser=0 (pod must not set runAsUser=0)")]
    [InlineData("\"containers\"", "\"volumes\":[{\"name\":\"v\",\"nfs\":{}}],\"containers\"", "restricted volume types (volume \"v\" uses restricted volume type \"nfs\")")]
    [InlineData("\"containers\"", "\"containers\"", "")]
    public void RestrictedWantsEveryPrecaution(string from, string to, string expected) => Assert.Equal(expected, Show(Good.Replace(from, to, StringComparison.Ordinal), PodSecurityLevel.Restricted));

    [Fact]
    public async Task ANamespaceTakesWhatItsLabelsAllow()
    {
        var ns = await server.NamespaceAsync();
        async Task LabelAsync(string mode, string level) => await server.Client.DoAsync("PATCH", ns, $$$"""{"metadata":{"labels":{"pod-security.kubernetes.io/{{{mode}}}":"{{{level}}}"} } }""", "application/merge-patch+json");
        const string Plain = """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""";
        await LabelAsync("enforce", "restricted");
        Assert.StartsWith("pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"c\" must set",
            await server.Client.RefusedAsync(403, "POST", $"{ns}/pods", Plain), StringComparison.Ordinal);
        await server.Client.DoAsync("POST", $"{ns}/pods", $$"""{"metadata":{"name":"good"},"spec":{{Good}} }""");
        await LabelAsync("enforce", "baseline");
        await LabelAsync("warn", "restricted");
        var (code, _, response) = await server.Client.SendAsync("POST", $"{ns}/pods", Plain);
        Assert.Equal(201, code);
        Assert.Contains("would violate PodSecurity", string.Join(' ', response.Headers.GetValues("Warning")));
        var (_, _, workload) = await server.Client.SendAsync("POST", $"/apis/apps/v1/namespaces/{ns.Split('/')[4]}/deployments",
            """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        Assert.Contains("would violate PodSecurity", string.Join(' ', workload.Headers.GetValues("Warning")));
    }
}
