using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.Pki;

namespace Portolan.Lab.ApiServer.Auth.Certificates;

/// <summary>Signs what was approved for <see cref="Signers.Client"/> with the cluster's authority.</summary>
internal sealed class CertificateSigner : IDisposable
{
    private const long DefaultSeconds = 365L * 24 * 3600;
    private static readonly WriteOptions Options = new(false, FieldValidation.Ignore, null, false);

    private readonly ServerContext _server;
    private readonly ObjectUpdate _update;
    private readonly X509Certificate2 _authority;
    private readonly PendingKeys _pending = new();

    /// <param name="server">The server.</param>
    /// <param name="update">Writes the certificates.</param>
    /// <param name="authority">With its private key, P-256.</param>
    public CertificateSigner(ServerContext server, ObjectUpdate update, X509Certificate2 authority)
    {
        (_server, _update, _authority) = (server, update, authority);
        server.Store.Committed += e =>
        {
            if (e.New.Resource == Signers.Storage && !e.Deleted) _pending.Add(e.New.Key);
        };
        foreach (var request in server.Store.List(Signers.Storage, null).Objects) _pending.Add(request.Key);
    }

    public Task RunAsync(CancellationToken cancellation) => _pending.RunAsync(key => LookAsync(key, cancellation), cancellation);

    public void Dispose() => _authority.Dispose();

    private async Task LookAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_server.Store.Find(Signers.Storage, key) is not { } stored || !IsDue(StoredForm.Parse(stored))) return;
        var resource = _server.Kinds.Find(Signers.Group, "certificatesigningrequests")!;
        try
        {
            await _update.ChangeAsync(new(resource, resource.StorageKind, null, key.Name, "status"), current =>
            {
                if (IsDue(current)) Sign(current);
                return current;
            }, Options, cancellation);
        }
        catch (ApiException e) when (e.Reason is "NotFound")
        {
            // Withdrawn.
        }
    }

    private static bool IsDue(JsonObject request)
    {
        var status = request.Obj("status");
        var conditions = status.Items("conditions", "").Select(c => c.Item.Str("type")).ToList();
        return request.Obj("spec").Str("signerName") == Signers.Client && status.Str("certificate").Length == 0
            && conditions.Contains("Approved") && !conditions.Contains("Denied") && !conditions.Contains("Failed");
    }

    private void Sign(JsonObject request)
    {
        var spec = request.Obj("spec");
        var status = request.Child("status");
        if (SigningRequest.TryRead(spec.Str("request")) is { } asked && spec.Strings("usages", "").Select(u => u.Item).Contains("client auth"))
        {
            status["certificate"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(Issue(asked, spec.Int("expirationSeconds") ?? DefaultSeconds)));
            return;
        }

        ((JsonArray)status["conditions"]!).Add((JsonNode)new JsonObject
        {
            ["type"] = "Failed", ["status"] = "True", ["reason"] = "SignerValidationFailure",
            ["message"] = "the request is not PKCS#10 with a valid signature, or does not ask for \"client auth\"", ["lastUpdateTime"] = JsonText.Time(_server.Clock.GetUtcNow()),
        });
    }

    private string Issue(SigningRequest asked, long seconds)
    {
        using var key = _authority.GetECDsaPrivateKey()!;
        var request = new CertificateRequest(asked.Request.SubjectName, asked.Request.PublicKey, HashAlgorithmName.SHA256);
        var from = _server.Clock.GetUtcNow().AddMinutes(-5);     // machines whose clocks differ a little
        using var certificate = LeafCertificate.Sign(request, _authority, key, [LeafCertificate.ClientAuthentication], from, from.AddSeconds(seconds));
        return certificate.ExportCertificatePem() + "\n";
    }
}
