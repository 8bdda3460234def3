using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Auth.Rbac;

namespace Portolan.Lab.Tests.Auth;

public sealed class RbacIndexTests
{
    private static readonly Identity Alice = new("alice", ["dev", Identity.AllAuthenticated]);

    private static JsonObject Role(string? ns, string name, string rules) =>
        (JsonObject)JsonNode.Parse($$"""{"metadata":{"name":"{{name}}"{{(ns is null ? "" : $",\"namespace\":\"{ns}\"")}}},"rules":{{rules}}}""")!;

    private static JsonObject Binding(string? ns, string name, string kind, string role, string subjects) => (JsonObject)JsonNode.Parse(
        $$"""{"metadata":{"name":"{{name}}"{{(ns is null ? "" : $",\"namespace\":\"{ns}\"")}}},"roleRef":{"kind":"{{kind}}","name":"{{role}}"},"subjects":{{subjects}}}""")!;

    private static AccessRequest Ask(string verb, string resource, string ns = "", string name = "", string group = "", string subresource = "", Identity? who = null) =>
        new(who ?? Alice, verb) { Resource = resource, Namespace = ns, Name = name, Group = group, Subresource = subresource };

    // rule | verb resource group subresource name | expected
    [Theory]
    [InlineData("""{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}""", "get", "pods", "", "", "", true)]
    [InlineData("""{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}""", "list", "pods", "", "", "", false)]
    [InlineData("""{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}""", "get", "pods", "", "log", "a", false)]
    [InlineData("""{"verbs":["get"],"apiGroups":[""],"resources":["pods/log"]}""", "get", "pods", "", "log", "a", true)]
    [InlineData("""{"verbs":["get"],"apiGroups":[""],"resources":["pods/log"]}""", "get", "pods", "", "", "a", false)]
    [InlineData("""{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}""", "patch", "deployments", "apps", "scale", "a", true)]
    [InlineData("""{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]}""", "get", "deployments", "apps", "scale", "a", true)]
    [InlineData("""{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]}""", "get", "deployments", "apps", "", "a", false)]
    [InlineData("""{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]}""", "get", "deployments", "apps", "status", "a", false)]
    [InlineData("""{"verbs":["get"],"apiGroups":["apps"],"resources":["deployments"]}""", "get", "deployments", "extensions", "", "a", false)]
    [InlineData("""{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["a"]}""", "get", "secrets", "", "", "a", true)]
    [InlineData("""{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["a"]}""", "get", "secrets", "", "", "b", false)]
    [InlineData("""{"verbs":["list"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["a"]}""", "list", "secrets", "", "", "", false)]
    [InlineData("""{"verbs":["*"],"nonResourceURLs":["*"]}""", "get", "pods", "", "", "", false)]
    public void MatchesRules(string rule, string verb, string resource, string group, string subresource, string name, bool expected)
    {
        var index = new RbacIndex();
        index.Apply(RbacIndex.ClusterRoles, null, Role(null, "r", $"[{rule}]"));
        index.Apply(RbacIndex.ClusterRoleBindings, null, Binding(null, "b", "ClusterRole", "r", """[{"kind":"User","name":"alice"}]"""));
        Assert.Equal(expected, index.Decide(Ask(verb, resource, "x", name, group, subresource)).Allowed);
    }

    [Theory]
    [InlineData("/api", "/api", true)]
    [InlineData("/api", "/apis", false)]
    [InlineData("/api/*", "/api/v1", true)]
    [InlineData("/api/*", "/api", false)]
    [InlineData("*", "/metrics", true)]
    public void MatchesPaths(string rule, string path, bool expected)
    {
        var index = new RbacIndex();
        index.Apply(RbacIndex.ClusterRoles, null, Role(null, "r", $$"""[{"verbs":["get"],"nonResourceURLs":["{{rule}}"]}]"""));
        index.Apply(RbacIndex.ClusterRoleBindings, null, Binding(null, "b", "ClusterRole", "r", """[{"kind":"Group","name":"dev"}]"""));
        Assert.Equal(expected, index.Decide(new(Alice, "get") { Path = path }).Allowed);
        Assert.False(index.Decide(new(Alice, "post") { Path = path }).Allowed);
    }

    [Fact]
    public void KeepsABindingInItsNamespace()
    {
        var index = new RbacIndex();
        index.Apply(RbacIndex.ClusterRoles, null, Role(null, "reader", """[{"verbs":["list"],"apiGroups":[""],"resources":["pods"]}]"""));
        index.Apply(RbacIndex.RoleBindings, null, Binding("x", "b", "ClusterRole", "reader", """[{"kind":"ServiceAccount","name":"robot"},{"kind":"ServiceAccount","name":"other","namespace":"y"}]"""));
        var robot = new Identity("system:serviceaccount:x:robot", []);
        Assert.True(index.Decide(Ask("list", "pods", "x", who: robot)).Allowed);
        Assert.False(index.Decide(Ask("list", "pods", "y", who: robot)).Allowed);
        Assert.False(index.Decide(Ask("list", "pods", who: robot)).Allowed);
        Assert.True(index.Decide(Ask("list", "pods", "x", who: new("system:serviceaccount:y:other", []))).Allowed);
        Assert.False(index.Decide(Ask("list", "pods", "x", who: new("robot", []))).Allowed);
    }

    [Fact]
    public void SaysWhichRoleABindingMisses()
    {
        var index = new RbacIndex();
        index.Apply(RbacIndex.ClusterRoleBindings, null, Binding(null, "b", "ClusterRole", "nope", """[{"kind":"User","name":"alice"}]"""));
        Assert.Equal("RBAC: clusterrole.rbac.authorization.k8s.io \"nope\" not found", index.Decide(Ask("get", "pods")).Reason);
    }

    [Fact]
    public void SaysWhatAllowed()
    {
        var index = new RbacIndex();
        index.Apply(RbacIndex.Roles, null, Role("x", "r", """[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]"""));
        index.Apply(RbacIndex.RoleBindings, null, Binding("x", "b", "Role", "r", """[{"kind":"Group","name":"dev"}]"""));
        Assert.Equal("RBAC: allowed by RoleBinding \"b/x\" of Role \"r\" to Group \"dev\"", index.Decide(Ask("get", "pods", "x")).Reason);
    }

    [Theory]
    [InlineData("""[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]""", """[{"verbs":["get","list"],"apiGroups":["","apps"],"resources":["pods","deployments/scale"]}]""", "")]
    [InlineData("""[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]},{"verbs":["list"],"apiGroups":[""],"resources":["pods"]}]""", """[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}]""", "")]
    [InlineData("""[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]""", """[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}]""", """{APIGroups:[""], Resources:["pods"], Verbs:["list"]}""")]
    [InlineData("""[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["a"]}]""", """[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}]""", """{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}""")]
    [InlineData("""[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["a"]}]""", """[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["b"]}]""", """{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}""")]
    [InlineData("""[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]""", """[{"verbs":["get"],"apiGroups":["*"],"resources":["pods"]}]""", """{APIGroups:["*"], Resources:["pods"], Verbs:["get"]}""")]
    [InlineData("""[{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]}]""", """[{"verbs":["get"],"apiGroups":["apps"],"resources":["deployments/scale"]}]""", "")]
    [InlineData("""[{"verbs":["get"],"nonResourceURLs":["/api/*"]}]""", """[{"verbs":["get"],"nonResourceURLs":["/api/v1","/metrics"]}]""", """{NonResourceURLs:["/metrics"], Verbs:["get"]}""")]
    public void FindsWhatAGrantWouldAdd(string held, string wanted, string missing) => Assert.Equal(missing, string.Join('\n', RuleCover.Missing(Rules(held), Rules(wanted))));

    private static PolicyRule[] Rules(string json) => PolicyRule.ReadAll(new() { ["rules"] = JsonNode.Parse(json) });

    [Theory]
    [InlineData("metadata.name=a", "a")]
    [InlineData("metadata.name==a,status.phase=Running", "a")]
    [InlineData("status.phase=Running,metadata.name=a", "a")]
    [InlineData("metadata.name!=a", null)]
    [InlineData("xmetadata.name=a", null)]
    [InlineData("", null)]
    public void ReadsTheNameASelectionIsOf(string selector, string? name) => Assert.Equal(name, AccessRequest.Required(selector, "metadata.name"));
}
