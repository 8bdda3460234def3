using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.Pki;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

/// <summary>Certificates by request: made, approved, signed, used.</summary>
public sealed class SigningRequestTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

    private static string Pem(AsymmetricAlgorithm key, string subject) => key switch
    {
        RSA rsa => new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem(),
        ECDsa ecdsa => new CertificateRequest(subject, ecdsa, HashAlgorithmName.SHA256).CreateSigningRequestPem(),
        _ => throw new ArgumentException("a key of another kind"),
    };

    private static string Body(string name, string pem, string signer = "kubernetes.io/kube-apiserver-client") => $$"""
        {"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"{{name}}"},
         "spec":{"request":"{{Convert.ToBase64String(Encoding.ASCII.GetBytes(pem))}}","signerName":"{{signer}}","usages":["client auth"],"username":"somebody-else"} }
        """;

    private Task<JsonObject> ApproveAsync(ApiClient client, string name, string type = "Approved") => client.DoAsync("PATCH", $"{Path}/{name}/approval",
        $$"""{"status":{"conditions":[{"type":"{{type}}","status":"True","reason":"r","message":"m"}]} }""", "application/merge-patch+json");

    [Theory]
    [InlineData("rsa")]
    [InlineData("ecdsa")]
    public async Task LetsAPersonInWithTheCertificateTheyAskedFor(string algorithm)
    {
        using AsymmetricAlgorithm key = algorithm == "rsa" ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var user = $"jane-{algorithm}";
        var made = await server.Client.DoAsync("POST", Path, Body(user, Pem(key, $"CN={user},O=dev")));
        Assert.Equal("kubernetes-admin", (string?)made["spec"]!["username"]);
        await ApproveAsync(server.Client, user);
        string? certificate = null;
        for (var attempt = 0; certificate is null; attempt++)
        {
            Assert.True(attempt < 400, "never signed");
            await Task.Delay(25, TestContext.Current.CancellationToken);
            certificate = (string?)(await server.Client.DoAsync("GET", $"{Path}/{user}"))["status"]!["certificate"];
        }

        var pem = key switch { RSA rsa => rsa.ExportPkcs8PrivateKeyPem(), ECDsa ecdsa => ecdsa.ExportPkcs8PrivateKeyPem(), _ => "" };
        using var client = new ApiClient(server.Address, server.State.AuthorityPem, new Credential(Encoding.ASCII.GetString(Convert.FromBase64String(certificate)), pem));
        Assert.Equal($"pods is forbidden: User \"{user}\" cannot list resource \"pods\" in API group \"\" at the cluster scope", await client.RefusedAsync(403, "GET", "/api/v1/pods"));
        await client.DoAsync("GET", "/api");
    }

    [Fact]
    public async Task SignsNothingThatWasDenied_AndNothingForMasters()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Contains("with system:masters group is not allowed", await server.Client.RefusedAsync(403, "POST", Path, Body("root", Pem(key, "CN=root,O=system:masters"))));
        await server.Client.DoAsync("POST", Path, Body("denied", Pem(key, "CN=denied")));
        await ApproveAsync(server.Client, "denied", "Denied");
        Assert.Contains("may not add or remove", await server.Client.RefusedAsync(422, "PATCH", $"{Path}/denied/status",
            """{"status":{"conditions":[{"type":"Approved","status":"True"}]}}""", "application/merge-patch+json"));
        Assert.Null((await server.Client.DoAsync("GET", $"{Path}/denied"))["status"]!["certificate"]);
    }

    [Fact]
    public async Task IsApprovedByThoseWhoMay()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await server.Client.DoAsync("POST", Path, Body("asked", Pem(key, "CN=asked"), "example.com/mine"));
        const string Rbac = "/apis/rbac.authorization.k8s.io/v1";
        await server.Client.DoAsync("POST", $"{Rbac}/clusterroles",
            """{"metadata":{"name":"approver"},"rules":[{"apiGroups":["certificates.k8s.io"],"resources":["certificatesigningrequests/approval"],"verbs":["patch"]}]}""");
        await server.Client.DoAsync("POST", $"{Rbac}/clusterrolebindings",
            """{"metadata":{"name":"approver"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"approver"},"subjects":[{"kind":"User","name":"ann"}]}""");
        using var ann = new ApiClient(server.Address, server.State.AuthorityPem, server.State.Issue("ann"));
        Assert.Contains("user not permitted to approve requests with signerName \"example.com/mine\"",
            await ann.RefusedAsync(403, "PATCH", $"{Path}/asked/approval", """{"status":{"conditions":[{"type":"Approved","status":"True"}]}}""", "application/merge-patch+json"));
        await server.Client.DoAsync("PATCH", $"{Rbac}/clusterroles/approver",
            """[{"op":"add","path":"/rules/-","value":{"apiGroups":["certificates.k8s.io"],"resources":["signers"],"verbs":["approve"],"resourceNames":["example.com/*"]}}]""", "application/json-patch+json");
        await ApproveAsync(ann, "asked");
    }

    [Theory]
    [InlineData("not base64 of anything", "kubernetes.io/kube-apiserver-client", "spec.request")]
    [InlineData("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "kubernetes.io/kube-apiserver-client", "spec.request")]
    [InlineData(null, "nodomain", "spec.signerName")]
    [InlineData(null, "", "spec.signerName")]
    public async Task RefusesWhatIsNoRequest(string? pem, string signer, string field)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Contains(field, await server.Client.RefusedAsync(422, "POST", Path, Body("bad", pem ?? Pem(key, "CN=bad"), signer)));
    }
}
