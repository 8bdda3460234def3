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
            Assert.All(Words(rule!, "nonResourceURLs"), url => Assert.Equal("/metrics", url));
        }
    }

    /// <summary>Everywhere in the cluster: only what a Service needs, nothing secret, nothing that gives more rights.</summary>
    [Fact]
    public void LittleIsWrittenOutsideTheNamespace()
    {
        string[] readable = ["services", "namespaces", "nodes", "endpointslices", "servicecidrs"];
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

    /// <summary>A BGPPeer names the Secret of its password, so the controller may get any of its namespace; who does not know a name learns none.</summary>
    [Fact]
    public void SecretsAreNotListed()
    {
        foreach (var rule in _roles.SelectMany(role => role["rules"]!.AsArray()).Where(rule => Words(rule!, "resources").Contains("secrets")))
            Assert.True(Words(rule!, "resourceNames").Any() || Words(rule!, "verbs").All(verb => verb is "get" or "create"), rule!.ToJsonString());
    }

    [Fact]
    public void TheDocumentationListsThemAll()
    {
        const string begin = "<!-- rights: written by the tests -->", end = "<!-- end of rights -->";
        var rows = new List<string> { "| role | where | what | how |", "|---|---|---|---|" };
        foreach (var role in _roles)
        {
            var name = ((string)role["metadata"]!["name"]!).Split(':')[^1].Replace("portolan-", "", StringComparison.Ordinal);
            foreach (var rule in role["rules"]!.AsArray())
            {
                var groups = Words(rule!, "apiGroups").Where(group => group.Length > 0).ToList();
                var resources = string.Join(", ", Words(rule!, "resources").Concat(Words(rule!, "nonResourceURLs")).Select(resource => $"`{resource}`"));
                var named = Words(rule!, "resourceNames").ToList();
                rows.Add($"| {name} | {((string?)role["kind"] == "Role" ? "its namespace" : "the cluster")} | {resources}{(groups.Count > 0 ? " of " + string.Join(", ", groups) : "")}"
                    + $"{(named.Count > 0 ? $", only {string.Join(", ", named.Select(only => $"`{only}`"))}" : "")} | {string.Join(", ", Words(rule!, "verbs"))} |");
            }
        }

        var table = string.Join('\n', rows);
        var document = Path.Combine(Helm.Root, "docs", "security.md");
        var text = File.ReadAllText(document);
        var (from, to) = (text.IndexOf(begin, StringComparison.Ordinal) + begin.Length, text.IndexOf(end, StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("PORTOLAN_WRITE_DOCS") is "1")
            File.WriteAllText(document, $"{text[..from]}\n\n{table}\n\n{text[to..]}");
        else
            Assert.True(table == text[from..to].Trim(), "docs/security.md is behind deploy/: PORTOLAN_WRITE_DOCS=1 writes this\n" + table);
    }

    private static IEnumerable<string> Words(JsonNode rule, string field) => rule[field]?.AsArray().Select(word => (string)word!) ?? [];
}
