using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>What others need to check service-account tokens themselves: OpenID Connect Discovery 1.0 §3, and the public key.</summary>
internal sealed class IssuerDocuments(TokenKey key, string server)
{
    public const string ConfigurationPath = "/.well-known/openid-configuration";
    public const string KeysPath = "/openid/v1/jwks";
    public const string KeysType = "application/jwk-set+json";

    public byte[] Configuration { get; } = JsonText.ToBytes(new JsonObject
    {
        ["issuer"] = ServiceAccountTokens.Issuer,
        ["jwks_uri"] = $"https://{server}{KeysPath}",
        ["response_types_supported"] = JsonText.Strings(["id_token"]),
        ["subject_types_supported"] = JsonText.Strings(["public"]),
        ["id_token_signing_alg_values_supported"] = JsonText.Strings([TokenKey.Algorithm]),
    });

    public byte[] Keys { get; } = JsonText.ToBytes(key.ToKeySet());
}
