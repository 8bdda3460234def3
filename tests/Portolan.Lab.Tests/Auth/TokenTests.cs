using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

/// <summary>Service-account tokens: asked for, bound, kept in Secrets, and checked by others.</summary>
public sealed class TokenTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Own = "https://kubernetes.default.svc.cluster.local";

    private async Task<JsonObject> RequestAsync(string ns, string spec) =>
        await server.Client.DoAsync("POST", $"{ns}/serviceaccounts/default/token", $$"""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{{spec}} }""");

    private async Task<JsonObject> ReviewAsync(string token, string audiences = "[]") => (JsonObject)(await server.Client.DoAsync("POST", "/apis/authentication.k8s.io/v1/tokenreviews",
        $$"""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"{{token}}","audiences":{{audiences}} } }"""))["status"]!;

    private static string TokenOf(JsonObject request) => (string)request["status"]!["token"]!;

    [Fact]
    public async Task HoldsForItsAudienceOnly()
    {
        var ns = await server.NamespaceAsync();
        var token = TokenOf(await RequestAsync(ns, """{"audiences":["vault","db"]}"""));
        using var client = server.Anonymous();
        client.Token = token;
        await client.RefusedAsync(401, "GET", "/api");
        Assert.False((bool)(await ReviewAsync(token))["authenticated"]!);
        Assert.False((bool)(await ReviewAsync(token, """["other"]"""))["authenticated"]!);
        var review = await ReviewAsync(token, """["db","other"]""");
        Assert.True((bool)review["authenticated"]!);
        Assert.Equal("""["db"]""", review["audiences"]!.ToJsonString());
        Assert.Equal($"system:serviceaccount:{ns.Split('/')[4]}:default", (string?)review["user"]!["username"]);
        Assert.Contains("system:serviceaccounts", review["user"]!["groups"]!.AsArray().Select(g => (string?)g));
    }

    [Fact]
    public async Task DiesWithThePodItIsBoundTo_AndNamesPodAndNode()
    {
        var ns = await server.NamespaceAsync();
        var node = (string)(await server.Client.DoAsync("POST", "/api/v1/nodes", """{"metadata":{"generateName":"n-"}}"""))["metadata"]!["name"]!;
        await server.Client.DoAsync("POST", $"{ns}/pods", $$"""{"metadata":{"name":"p"},"spec":{"nodeName":"{{node}}","containers":[{"name":"c","image":"i"}]} }""");
        var token = TokenOf(await RequestAsync(ns, """{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}"""));
        var extra = (await ReviewAsync(token))["user"]!["extra"]!;
        Assert.Equal("p", (string?)extra["authentication.kubernetes.io/pod-name"]![0]);
        Assert.Equal(node, (string?)extra["authentication.kubernetes.io/node-name"]![0]);
        using var client = server.Anonymous();
        client.Token = token;
        await client.DoAsync("GET", "/api");
        await server.Client.DoAsync("DELETE", $"{ns}/pods/p?gracePeriodSeconds=0");
        await client.RefusedAsync(401, "GET", "/api");
        // Another pod of that name is another pod.
        await server.Client.DoAsync("POST", $"{ns}/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await client.RefusedAsync(401, "GET", "/api");
    }

    [Theory]
    [InlineData("""{"expirationSeconds":599}""", 422, "may not specify a duration less than 10 minutes")]
    [InlineData("""{"expirationSeconds":4294967297}""", 422, "may not specify a duration larger than 2^32 seconds")]
    [InlineData("""{"boundObjectRef":{"kind":"Pod","name":"nope"}}""", 404, "pods \"nope\" not found")]
    [InlineData("""{"boundObjectRef":{"kind":"ConfigMap","name":"x"}}""", 400, "to object of type ConfigMap")]
    public async Task RefusesRequestsThatCannotBe(string spec, int code, string why)
    {
        var ns = await server.NamespaceAsync();
        Assert.Contains(why, await server.Client.RefusedAsync(code, "POST", $"{ns}/serviceaccounts/default/token", $$"""{"spec":{{spec}} }"""));
    }

    [Fact]
    public async Task FillsInSecretsOfAccounts_AndDeletesThemWithTheAccount()
    {
        var ns = await server.NamespaceAsync();
        await server.Client.DoAsync("POST", $"{ns}/secrets",
            """{"metadata":{"name":"t","annotations":{"kubernetes.io/service-account.name":"default"}},"type":"kubernetes.io/service-account-token"}""");
        JsonObject? data = null;
        await EventuallyAsync(async () => (data = (await server.Client.DoAsync("GET", $"{ns}/secrets/t"))["data"] as JsonObject) is { Count: 3 }, "the secret is filled in");
        using var client = server.Anonymous();
        client.Token = Encoding.ASCII.GetString(Convert.FromBase64String((string)data!["token"]!));
        await client.DoAsync("GET", "/api");
        Assert.Contains("BEGIN CERTIFICATE", Encoding.ASCII.GetString(Convert.FromBase64String((string)data["ca.crt"]!)), StringComparison.Ordinal);
        await server.Client.DoAsync("DELETE", $"{ns}/serviceaccounts/default");
        await client.RefusedAsync(401, "GET", "/api");
        await EventuallyAsync(async () => (await server.Client.SendAsync("GET", $"{ns}/secrets/t")).Code == 404, "the secret goes with its account");
    }

    [Fact]
    public async Task CanBeCheckedByOthers()
    {
        var ns = await server.NamespaceAsync();
        using var account = server.Anonymous();
        account.Token = TokenOf(await RequestAsync(ns, "{}"));
        var configuration = await account.DoAsync("GET", "/.well-known/openid-configuration");
        Assert.Equal(Own, (string?)configuration["issuer"]);
        Assert.EndsWith("/openid/v1/jwks", (string?)configuration["jwks_uri"], StringComparison.Ordinal);
        var (_, keys, response) = await account.SendAsync("GET", "/openid/v1/jwks");
        Assert.Equal("application/jwk-set+json", response.Content.Headers.ContentType!.MediaType);
        var key = keys["keys"]![0]!;
        var parts = account.Token!.Split('.');
        Assert.Equal((string?)key["kid"], (string?)JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))!["kid"]);
        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new() { X = Base64Url.DecodeFromChars((string)key["x"]!), Y = Base64Url.DecodeFromChars((string)key["y"]!) },
        });
        Assert.True(ecdsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
        using var nobody = server.Anonymous();
        await nobody.RefusedAsync(403, "GET", "/openid/v1/jwks");
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("eyJhbGciOiJub25lIn0.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50Iiwic3ViIjoic3lzdGVtOnNlcnZpY2VhY2NvdW50OmE6YiJ9.")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.AAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AAAA")]
    [InlineData("W10.W10.W10")]
    [InlineData("bnVsbA.bnVsbA.bnVsbA")]
    public async Task RefusesForgedTokens(string token)
    {
        Assert.False((bool)(await ReviewAsync(token))["authenticated"]!);
        using var client = server.Anonymous();
        client.Headers.Add(("Authorization", $"Bearer {token}"));
        await client.RefusedAsync(401, "GET", "/healthz");
    }

    private static async Task EventuallyAsync(Func<Task<bool>> holds, string what)
    {
        for (var attempt = 0; !await holds(); attempt++)
        {
            Assert.True(attempt < 800, $"never: {what}");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }
}
