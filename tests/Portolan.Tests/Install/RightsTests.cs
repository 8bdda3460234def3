using System.Text.Json.Nodes;
using Portolan.Commands.Install;

namespace Portolan.Tests.Install;

/// <summary>What the roles may do is what docs/security.md says, and little.</summary>
public sealed class RightsTests
{
    private static readonly List<JsonObject> _roles =
        [.. Manifests.System("metallb-system", "portolan").Concat(Manifests.Proxy("portolan", "https://192.168.100.10:6443")).Where(item => (string?)item["kind"] is "Role" or "ClusterRole")];

    [Fact]
    public void NothingIsGrantedWholesale()
    {
        Assert.NotEmpty(_roles);
        foreach (var rule in _roles.SelectMany(role => role["rules"]!.AsArray()))
        {
            foreach (var field in (string[])["apiGroups", "resources", "verbs"])
                Assert.DoesNotContain("*", Words(rule!, field));
            Assert.DoesNotContain(Words(rule!, "verbs"), verb => verb is "deletecollection" or "escalate" or "bind" or "impersonate");
            Assert.False(rule!.AsObject().ContainsKey("nonResourceURLs"));
        }
    }

    /// <summary>Everywhere in the cluster: only what a Service needs, nothing secret, nothing that gives more rights.</summary>
    [Fact]
    public void LittleIsWrittenOutsideTheNamespace()
    {
        string[] readable = ["services", "namespaces", "nodes", "endpointslices"];
        string[] writable = ["services patch", "services/status update", "services/status patch", "events create", "events patch", "tokenreviews create", "subjectaccessreviews create"];
        // By name, and only to tell the API server whom to trust.
        string[] named = ["validatingwebhookconfigurations", "customresourcedefinitions"];
        foreach (var role in _roles.Where(role => (string?)role["kind"] == "ClusterRole"))
            foreach (var rule in role["rules"]!.AsArray())
                foreach (var resource in Words(rule!, "resources"))
                    foreach (var verb in Words(rule!, "verbs"))
                    {
                        var isFine = verb is "get" or "list" or "watch" && readable.Contains(resource) || writable.Contains($"{resource} {verb}")
                            || named.Contains(resource) && verb is "get" or "list" or "watch" or "update" or "patch" && Words(rule!, "resourceNames").Any();
                        Assert.True(isFine, $"{role["metadata"]!["name"]}: {verb} {resource} in the whole cluster");
                    }
    }

    [Fact]
    public void SecretsAreReadByName()
    {
        foreach (var rule in _roles.SelectMany(role => role["rules"]!.AsArray()).Where(rule => Words(rule!, "resources").Contains("secrets")))
            Assert.True(Words(rule!, "resourceNames").Any() || Words(rule!, "verbs").SequenceEqual(["create"]), rule!.ToJsonString());
    }

    private static IEnumerable<string> Words(JsonNode rule, string field) => rule[field]?.AsArray().Select(word => (string)word!) ?? [];
}
