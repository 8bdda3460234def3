using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

/// <summary>Requests of people with few rights against a real server.</summary>
public sealed class AuthorizationTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1";

    private ApiClient As(string user, string? group = null) => new(server.Address, server.State.AuthorityPem, server.State.Issue(user, group));

    private Task RoleAsync(string ns, string name, string rules) =>
        server.Client.DoAsync("POST", $"{Rbac}/namespaces/{ns}/roles", $$"""{"metadata":{"name":"{{name}}"},"rules":{{rules}}}""");

    private Task BindAsync(string ns, string name, string kind, string user) => server.Client.DoAsync("POST", $"{Rbac}/namespaces/{ns}/rolebindings",
        $$"""{"metadata":{"generateName":"b-"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"{{kind}}","name":"{{name}}"},"subjects":[{"kind":"User","name":"{{user}}"}]}""");

    private async Task<string> NamespaceAsync() => (await server.NamespaceAsync()).Split('/')[4];

    [Fact]
    public async Task WordsDenialsAsARealServer()
    {
        using var alice = As("alice");
        Assert.Equal("pods is forbidden: User \"alice\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"",
            await alice.RefusedAsync(403, "GET", "/api/v1/namespaces/default/pods"));
        Assert.Equal("deployments.apps is forbidden: User \"alice\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope",
            await alice.RefusedAsync(403, "GET", "/apis/apps/v1/deployments"));
        Assert.Equal("pods \"p\" is forbidden: User \"alice\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"default\"",
            await alice.RefusedAsync(403, "GET", "/api/v1/namespaces/default/pods/p/log"));
        Assert.Equal("namespaces \"x\" is forbidden: User \"alice\" cannot delete resource \"namespaces\" in API group \"\" in the namespace \"x\"",
            await alice.RefusedAsync(403, "DELETE", "/api/v1/namespaces/x"));
        Assert.Equal("forbidden: User \"alice\" cannot get path \"/metrics\"", await alice.RefusedAsync(403, "GET", "/metrics"));
        using var nobody = server.Anonymous();
        Assert.Equal("namespaces is forbidden: User \"system:anonymous\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope",
            await nobody.RefusedAsync(403, "GET", "/api/v1/namespaces"));
    }

    [Theory]
    [InlineData("GET", "configmaps", "list")]
    [InlineData("GET", "configmaps?watch=true", "watch")]
    [InlineData("GET", "configmaps/a", "get")]
    [InlineData("HEAD", "configmaps/a", "get")]
    [InlineData("POST", "configmaps", "create")]
    [InlineData("PUT", "configmaps/a", "update")]
    [InlineData("PATCH", "configmaps/a", "patch")]
    [InlineData("DELETE", "configmaps/a", "delete")]
    [InlineData("DELETE", "configmaps", "deletecollection")]
    public async Task AsksForTheVerbOfTheRequest(string method, string path, string verb)
    {
        var ns = await NamespaceAsync();
        var user = $"user-{ns}";
        using var client = As(user);
        Assert.Equal(403, (await client.SendAsync(method, $"/api/v1/namespaces/{ns}/{path}")).Code);
        await RoleAsync(ns, "all-but", $$"""[{"apiGroups":[""],"resources":["configmaps"],"verbs":{{Others(verb)}}}]""");
        await BindAsync(ns, "all-but", "Role", user);
        Assert.Equal(403, (await client.SendAsync(method, $"/api/v1/namespaces/{ns}/{path}")).Code);
        await RoleAsync(ns, "it", $$"""[{"apiGroups":[""],"resources":["configmaps"],"verbs":["{{verb}}"]}]""");
        await BindAsync(ns, "it", "Role", user);
        // A watch's answer has no end: a revision of the future ends it at once.
        var (code, _, _) = await client.SendAsync(method, $"/api/v1/namespaces/{ns}/{path}{(verb == "watch" ? "&resourceVersion=x" : "")}");
        Assert.NotEqual(403, code);
    }

    private static string Others(string verb) =>
        new JsonArray([.. ((string[])["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]).Where(v => v != verb).Select(v => (JsonNode)v)]).ToJsonString();

    [Fact]
    public async Task CountsANameInASelectorAsTheResourceName()
    {
        var ns = await NamespaceAsync();
        using var client = As($"user-{ns}");
        await RoleAsync(ns, "one", """[{"apiGroups":[""],"resources":["secrets"],"verbs":["get","list","watch"],"resourceNames":["mine"]}]""");
        await BindAsync(ns, "one", "Role", $"user-{ns}");
        await client.DoAsync("GET", $"/api/v1/namespaces/{ns}/secrets?fieldSelector=metadata.name%3Dmine");
        await client.RefusedAsync(403, "GET", $"/api/v1/namespaces/{ns}/secrets?fieldSelector=metadata.name%3Dother");
        await client.RefusedAsync(403, "GET", $"/api/v1/namespaces/{ns}/secrets?fieldSelector=metadata.name%21%3Dmine");
        await client.RefusedAsync(403, "GET", $"/api/v1/namespaces/{ns}/secrets");
    }

    [Fact]
    public async Task EndsARightWithItsBinding()
    {
        var ns = await NamespaceAsync();
        using var client = As($"user-{ns}");
        await BindAsync(ns, "view", "ClusterRole", $"user-{ns}");
        await client.DoAsync("GET", $"/api/v1/namespaces/{ns}/pods");
        await client.RefusedAsync(403, "GET", $"/api/v1/namespaces/{ns}/secrets");
        await server.Client.DoAsync("DELETE", $"{Rbac}/namespaces/{ns}/rolebindings");
        await client.RefusedAsync(403, "GET", $"/api/v1/namespaces/{ns}/pods");
    }

    [Fact]
    public async Task MakesAdminOfItsParts_AndTakesIn_WhatIsAdded()
    {
        var ns = await NamespaceAsync();
        using var client = As($"user-{ns}");
        await BindAsync(ns, "admin", "ClusterRole", $"user-{ns}");
        await client.DoAsync("GET", $"/api/v1/namespaces/{ns}/pods");
        await client.DoAsync("POST", $"/api/v1/namespaces/{ns}/configmaps", """{"metadata":{"name":"a"}}""");
        await client.RefusedAsync(403, "GET", $"/apis/coordination.example/v1/namespaces/{ns}/things");
        await server.Client.DoAsync("POST", $"{Rbac}/clusterroles",
            $$"""{"metadata":{"name":"things-{{ns}}","labels":{"rbac.authorization.k8s.io/aggregate-to-view":"true"} },"rules":[{"apiGroups":["coordination.example"],"resources":["things"],"verbs":["list"]}]}""");
        for (var attempt = 0; (await client.SendAsync("GET", $"/apis/coordination.example/v1/namespaces/{ns}/things")).Code == 403; attempt++)
        {
            Assert.True(attempt < 400, "the aggregated role never got the rule");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task LetsNobodyGrantWhatTheyDoNotHold()
    {
        var ns = await NamespaceAsync();
        using var client = As($"user-{ns}");
        await BindAsync(ns, "admin", "ClusterRole", $"user-{ns}");
        var roles = $"{Rbac}/namespaces/{ns}/roles";
        await client.DoAsync("POST", roles, """{"metadata":{"name":"fine"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get","delete"]}]}""");
        Assert.Contains("is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}",
            await client.RefusedAsync(403, "POST", roles, """{"metadata":{"name":"more"},"rules":[{"apiGroups":["","apps"],"resources":["nodes"],"verbs":["get"]}]}"""));
        await client.RefusedAsync(403, "PATCH", $"{roles}/fine", """{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}""", "application/merge-patch+json");
        await client.DoAsync("PATCH", $"{roles}/fine", """{"metadata":{"labels":{"a":"b"}}}""", "application/merge-patch+json");
        var bindings = $"{Rbac}/namespaces/{ns}/rolebindings";
        string Bind(string role) => $$"""{"metadata":{"name":"{{role}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{{role}}"},"subjects":[{"kind":"User","name":"friend"}]}""";
        await client.DoAsync("POST", bindings, Bind("edit"));
        await client.RefusedAsync(403, "POST", bindings, Bind("cluster-admin"));
        Assert.Contains("\"nope\" not found", await client.RefusedAsync(404, "POST", bindings, Bind("nope")));
        // With the verb "bind" on it, it may be given away without being held.
        await RoleAsync(ns, "binder", """[{"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"],"verbs":["bind"],"resourceNames":["cluster-admin"]}]""");
        await BindAsync(ns, "binder", "Role", $"user-{ns}");
        await client.DoAsync("POST", bindings, Bind("cluster-admin"));
    }

    [Fact]
    public async Task ShowsNodesWhatConcernsThem()
    {
        var ns = await NamespaceAsync();
        var (mine, other) = ($"node-{ns}", $"other-{ns}");
        foreach (var node in (string[])[mine, other])
            await server.Client.DoAsync("POST", "/api/v1/nodes", $$"""{"metadata":{"name":"{{node}}"} }""");
        foreach (var name in (string[])["used", "unused"])
            await server.Client.DoAsync("POST", $"/api/v1/namespaces/{ns}/secrets", $$"""{"metadata":{"name":"{{name}}"} }""");
        await server.Client.DoAsync("POST", $"/api/v1/namespaces/{ns}/pods",
            $$"""{"metadata":{"name":"p"},"spec":{"nodeName":"{{mine}}","containers":[{"name":"c","image":"i","envFrom":[{"secretRef":{"name":"used"} }]}]} }""");
        var path = $"/api/v1/namespaces/{ns}";
        using var agent = As($"system:node:{mine}", "system:nodes");
        using var stranger = As($"system:node:{other}", "system:nodes");
        await stranger.RefusedAsync(403, "POST", "/api/v1/nodes", $$"""{"metadata":{"name":"third-{{ns}}"} }""");
        await agent.DoAsync("GET", $"{path}/secrets/used");
        Assert.Contains($"no relationship found between node '{mine}' and this object", await agent.RefusedAsync(403, "GET", $"{path}/secrets/unused"));
        await stranger.RefusedAsync(403, "GET", $"{path}/secrets/used");
        await agent.RefusedAsync(403, "GET", $"{path}/secrets");
        await agent.DoAsync("GET", $"/api/v1/pods?fieldSelector=spec.nodeName%3D{mine}");
        await agent.RefusedAsync(403, "GET", "/api/v1/pods");
        await agent.RefusedAsync(403, "GET", $"/api/v1/pods?fieldSelector=spec.nodeName%3D{other}");
        await agent.DoAsync("GET", $"/api/v1/nodes?fieldSelector=metadata.name%3D{mine}");
        await agent.RefusedAsync(403, "GET", $"/api/v1/nodes?fieldSelector=metadata.name%3D{other}");
        const string Merge = "application/merge-patch+json";
        await agent.DoAsync("PATCH", $"{path}/pods/p/status", """{"status":{"phase":"Running"}}""", Merge);
        await stranger.RefusedAsync(403, "PATCH", $"{path}/pods/p/status", """{"status":{"phase":"Failed"}}""", Merge);
        await stranger.RefusedAsync(403, "DELETE", $"{path}/pods/p");
        await agent.DoAsync("PATCH", $"/api/v1/nodes/{mine}", """{"metadata":{"labels":{"a":"b"}}}""", Merge);
        await agent.RefusedAsync(403, "PATCH", $"/api/v1/nodes/{other}", """{"metadata":{"labels":{"a":"b"}}}""", Merge);
        var token = $"{path}/serviceaccounts/default/token";
        await agent.RefusedAsync(403, "POST", token, """{"spec":{}}""");
        await agent.DoAsync("POST", token, """{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}}""");
        await stranger.RefusedAsync(403, "POST", token, """{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}}""");
        await agent.DoAsync("GET", "/api/v1/services");
        await agent.RefusedAsync(403, "GET", "/api/v1/configmaps");
    }
}
