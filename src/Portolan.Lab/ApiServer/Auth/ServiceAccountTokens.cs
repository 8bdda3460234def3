using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>What a token is bound to: it is void once that object is gone.</summary>
internal sealed record TokenBinding(string Kind, string Name, string Uid);

/// <summary>
/// Service-account tokens: JWTs signed ES256 (RFC 7518 §3.4) with the cluster's key. A token is good while its signature and times hold and the
/// service account, and the object it is bound to, still exist with the same uid.
/// </summary>
internal sealed class ServiceAccountTokens(ECDsa key, ObjectStore store, TimeProvider clock)
{
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";
    private const int MaxCached = 4096;
    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"ES256","typ":"JWT"}"""u8);

    // Verifying costs a signature check; a client sends the same token with every request.
    private readonly ConcurrentDictionary<string, Verified> _verified = new(StringComparer.Ordinal);

    private sealed record Verified(string Namespace, string Name, string Uid, TokenBinding? Binding, DateTimeOffset NotBefore, DateTimeOffset Expires, string[] Audiences);

    public string Issue(string ns, string name, string uid, IReadOnlyList<string> audiences, TimeSpan lifetime, TokenBinding? binding, out DateTimeOffset expires)
    {
        var now = clock.GetUtcNow();
        expires = DateTimeOffset.FromUnixTimeSeconds((now + lifetime).ToUnixTimeSeconds());
        var kubernetes = new JsonObject { ["namespace"] = ns, ["serviceaccount"] = new JsonObject { ["name"] = name, ["uid"] = uid } };
        if (binding is not null)
            kubernetes[binding.Kind == "Secret" ? "secret" : "pod"] = new JsonObject { ["name"] = binding.Name, ["uid"] = binding.Uid };
        var claims = new JsonObject
        {
            ["aud"] = new JsonArray([.. audiences.Select(a => (JsonNode)a)]),
            ["exp"] = expires.ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["iss"] = Issuer,
            ["jti"] = Guid.NewGuid().ToString(),
            ["kubernetes.io"] = kubernetes,
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["sub"] = $"system:serviceaccount:{ns}:{name}",
        };
        var signed = $"{Header}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    /// <returns>Null when the token is not ours, out of date, for another audience, or of something that is gone.</returns>
    public Identity? Authenticate(string token, string audience = Issuer)
    {
        if (!_verified.TryGetValue(token, out var verified))
        {
            verified = Verify(token);
            if (verified is null) return null;
            if (_verified.Count >= MaxCached) _verified.Clear();
            _verified[token] = verified;
        }

        var now = clock.GetUtcNow();
        if (now >= verified.Expires || now < verified.NotBefore - TimeSpan.FromMinutes(1)) return null;
        if (!verified.Audiences.Contains(audience)) return null;
        if (UidOf("serviceaccounts", verified.Namespace, verified.Name) != verified.Uid) return null;
        var extra = new Dictionary<string, string>();
        if (verified.Binding is { } binding)
        {
            if (UidOf(binding.Kind == "Secret" ? "secrets" : "pods", verified.Namespace, binding.Name) != binding.Uid) return null;
            if (binding.Kind == "Pod")
            {
                extra["authentication.kubernetes.io/pod-name"] = binding.Name;
                extra["authentication.kubernetes.io/pod-uid"] = binding.Uid;
            }
        }

        return new($"system:serviceaccount:{verified.Namespace}:{verified.Name}",
            ["system:serviceaccounts", $"system:serviceaccounts:{verified.Namespace}", Identity.AllAuthenticated])
        { Uid = verified.Uid, Extra = extra };
    }

    private string? UidOf(string resource, string ns, string name) =>
        store.Find(resource, new(ns, name)) is { } obj && JsonNode.Parse(obj.MetadataJson) is JsonObject metadata ? (string?)metadata["uid"] : null;

    private Verified? Verify(string token)
    {
        var parts = token.Split('.');
        if (parts.Length != 3) return null;
        try
        {
            if ((string?)JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))?["alg"] != "ES256") return null;
            if (!key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
                return null;
            // Signed by us: the shape is known.
            if (JsonNode.Parse(Base64Url.DecodeFromChars(parts[1])) is not JsonObject claims || (string?)claims["iss"] != Issuer) return null;
            if (claims["kubernetes.io"] is not JsonObject kubernetes || kubernetes["serviceaccount"] is not JsonObject account) return null;
            TokenBinding? binding = null;
            if (kubernetes["pod"] is JsonObject pod) binding = new("Pod", (string)pod["name"]!, (string)pod["uid"]!);
            else if (kubernetes["secret"] is JsonObject secret) binding = new("Secret", (string)secret["name"]!, (string)secret["uid"]!);
            return new(
                (string)kubernetes["namespace"]!, (string)account["name"]!, (string)account["uid"]!, binding,
                DateTimeOffset.FromUnixTimeSeconds((long)claims["nbf"]!), DateTimeOffset.FromUnixTimeSeconds((long)claims["exp"]!),
                claims["aud"] is JsonArray audiences ? [.. audiences.Select(a => (string?)a ?? "")] : []);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or CryptographicException)
        {
            return null;
        }
    }
}
