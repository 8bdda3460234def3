using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

/// <summary>Acting as somebody else, by headers.</summary>
public sealed class ImpersonationTests(RunningServer server) : IClassFixture<RunningServer>
{
    private ApiClient As(string user, string? group, params (string, string)[] headers)
    {
        var client = new ApiClient(server.Address, server.State.AuthorityPem, server.State.Issue(user, group));
        client.Headers.AddRange(headers);
        return client;
    }

    private static async Task<JsonObject> WhoAmIAsync(ApiClient client) => (JsonObject)(await client.DoAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        """{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"""))["status"]!["userInfo"]!;

    [Fact]
    public async Task CountsAsWhomItNames()
    {
        using var admin = As("root", "system:masters", ("Impersonate-User", "alice"), ("Impersonate-Group", "dev"), ("Impersonate-Uid", "7"),
            ("Impersonate-Extra-scopes", "a"), ("Impersonate-Extra-acme.com%2Fproject", "p"));
        var who = await WhoAmIAsync(admin);
        Assert.Equal("""{"username":"alice","groups":["dev","system:authenticated"],"uid":"7","extra":{"scopes":["a"],"acme.com/project":["p"]}}""", who.ToJsonString());
        await admin.RefusedAsync(403, "GET", "/api/v1/pods");
    }

    [Fact]
    public async Task GivesAServiceAccountItsGroups()
    {
        using var admin = As("root", "system:masters", ("Impersonate-User", "system:serviceaccount:x:robot"));
        Assert.Equal("""["system:serviceaccounts","system:serviceaccounts:x","system:authenticated"]""", (await WhoAmIAsync(admin))["groups"]!.ToJsonString());
        using var nobody = As("root", "system:masters", ("Impersonate-User", "system:anonymous"));
        await nobody.RefusedAsync(403, "GET", "/api");
        await nobody.DoAsync("GET", "/version");
    }

    [Theory]
    [InlineData("Impersonate-User", "bob", "users \"bob\" is forbidden: User \"eve\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope")]
    [InlineData("Impersonate-User", "system:serviceaccount:x:robot", "serviceaccounts \"robot\" is forbidden: User \"eve\" cannot impersonate resource \"serviceaccounts\" in API group \"\" in the namespace \"x\"")]
    public async Task IsForThoseWhoMay(string header, string value, string why)
    {
        using var eve = As("eve", null, (header, value));
        Assert.Equal(why, await eve.RefusedAsync(403, "GET", "/api"));
    }

    [Fact]
    public async Task IsAllowedPartByPart()
    {
        await server.Client.DoAsync("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            """{"metadata":{"name":"helpdesk"},"rules":[{"apiGroups":[""],"resources":["users"],"verbs":["impersonate"],"resourceNames":["bob"]}]}""");
        await server.Client.DoAsync("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            """{"metadata":{"name":"helpdesk"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"helpdesk"},"subjects":[{"kind":"User","name":"hal"}]}""");
        using var hal = As("hal", null, ("Impersonate-User", "bob"));
        Assert.Equal("bob", (string?)(await WhoAmIAsync(hal))["username"]);
        hal.Headers.Add(("Impersonate-Group", "system:masters"));
        Assert.StartsWith("groups \"system:masters\" is forbidden", await hal.RefusedAsync(403, "GET", "/api"), StringComparison.Ordinal);
        using var other = As("hal", null, ("Impersonate-User", "alice"));
        await other.RefusedAsync(403, "GET", "/api");
        using var extra = As("hal", null, ("Impersonate-User", "bob"), ("Impersonate-Extra-Scope", "all"));
        Assert.Contains("cannot impersonate resource \"userextras/scope\" in API group \"authentication.k8s.io\"", await extra.RefusedAsync(403, "GET", "/api"));
        using var uid = As("hal", null, ("Impersonate-User", "bob"), ("Impersonate-Uid", "1"));
        await uid.RefusedAsync(403, "GET", "/api");
        using var nameless = As("hal", null, ("Impersonate-Group", "dev"));
        await nameless.RefusedAsync(400, "GET", "/api");
    }
}
