using System.Text;
using System.Text.Json.Nodes;
using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>
/// Fills in Secrets of type <c>kubernetes.io/service-account-token</c> (a token, the cluster's certificate, the namespace) and deletes those whose
/// account is gone.
/// </summary>
internal sealed class AccountSecrets
{
    private const string NameAnnotation = "kubernetes.io/service-account.name";
    private const string UidAnnotation = "kubernetes.io/service-account.uid";
    private static readonly WriteOptions Options = new(false, FieldValidation.Ignore, null, false);
    private static readonly byte[] TypeText = "\"type\":\"kubernetes.io/service-account-token\""u8.ToArray();

    private readonly ServerContext _server;
    private readonly ObjectUpdate _update;
    private readonly Deletion _deletion;
    private readonly ServiceAccountTokens _tokens;
    private readonly string _authority;
    private readonly PendingKeys _pending = new();

    /// <param name="server">The server.</param>
    /// <param name="update">Writes them.</param>
    /// <param name="deletion">Deletes them.</param>
    /// <param name="tokens">Makes the tokens.</param>
    /// <param name="authority">The cluster's certificate, PEM.</param>
    public AccountSecrets(ServerContext server, ObjectUpdate update, Deletion deletion, ServiceAccountTokens tokens, string authority)
    {
        (_server, _update, _deletion, _tokens, _authority) = (server, update, deletion, tokens, authority);
        server.Store.Committed += Observe;
        LookAtAll(null);
    }

    public Task RunAsync(CancellationToken cancellation) => _pending.RunAsync(key => LookAsync(key, cancellation), cancellation);

    private void Observe(WatchEvent e)
    {
        if (e.New.Resource == "secrets" && !e.Deleted && IsToken(e.New)) _pending.Add(e.New.Key);
        else if (e.New.Resource == "serviceaccounts" && e.Deleted) LookAtAll(e.New.Key.Namespace);
    }

    private void LookAtAll(string? ns)
    {
        foreach (var secret in _server.Store.List("secrets", ns).Objects)
            if (IsToken(secret))
                _pending.Add(secret.Key);
    }

    private async Task LookAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_server.Store.Find("secrets", key) is not { } stored) return;
        var secret = StoredForm.Parse(stored);
        var annotations = secret.Obj("metadata").Obj("annotations");
        var account = new ObjectKey(key.Namespace, annotations.Str(NameAnnotation));
        var uid = _server.Store.Find("serviceaccounts", account) is { } found ? (JsonNode.Parse(found.MetadataJson) as JsonObject).Str("uid") : null;
        var resource = _server.Kinds.Find("", "secrets")!;
        var target = new Target(resource, resource.StorageKind, key.Namespace, key.Name, null);
        try
        {
            if (uid is null || (annotations.Str(UidAnnotation) is { Length: > 0 } known && known != uid))
                await _deletion.DeleteAsync(target, new(ResourceVersion: stored.Revision.ToString()), cancellation);
            else if (!IsFilled(secret))
                await _update.ChangeAsync(target, current => Fill(current, account.Name, uid), Options, cancellation);
        }
        catch (ApiException e) when (e.Reason is "NotFound" or "Conflict")
        {
            // Deleted or changed meanwhile: a change brings it here again.
        }
    }

    private static bool IsFilled(JsonObject secret) => secret.Obj("metadata").Obj("annotations").Str(UidAnnotation).Length > 0
        && secret.Obj("data") is { } data && data.Str("token").Length > 0 && data.Str("ca.crt").Length > 0 && data.Str("namespace").Length > 0;

    private JsonObject Fill(JsonObject secret, string account, string uid)
    {
        var metadata = secret.Child("metadata");
        var ns = metadata.Str("namespace");
        metadata.Child("annotations")[UidAnnotation] = uid;
        var data = secret.Child("data");
        if (data.Str("token").Length == 0) data["token"] = Base64(_tokens.IssueLegacy(new(ns, account, uid, [new("secrets", metadata.Str("name"), "")])));
        if (data.Str("ca.crt").Length == 0) data["ca.crt"] = Base64(_authority);
        if (data.Str("namespace").Length == 0) data["namespace"] = Base64(ns);
        return secret;
    }

    private static bool IsToken(StoredObject secret) => secret.Json.AsSpan().IndexOf(TypeText) >= 0;

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
