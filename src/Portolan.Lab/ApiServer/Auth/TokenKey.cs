using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>The key that signs tokens: JWS compact serialisation (RFC 7515 §3.1) with ES256, and the public half for those who check tokens themselves.</summary>
internal sealed class TokenKey : IDisposable
{
    public const string Algorithm = "ES256";

    private readonly ECDsa _key;
    private readonly string _header;

    /// <param name="pem">A P-256 private key.</param>
    public TokenKey(string pem)
    {
        _key = ECDsa.Create();
        _key.ImportFromPem(pem);
        Id = Base64Url.EncodeToString(SHA256.HashData(_key.ExportSubjectPublicKeyInfo()));
        _header = Base64Url.EncodeToString(JsonText.ToBytes(new JsonObject { ["alg"] = Algorithm, ["kid"] = Id }));
    }

    /// <summary>The <c>kid</c> of tokens and of the published key.</summary>
    public string Id { get; }

    public string Sign(JsonObject claims)
    {
        var signed = $"{_header}.{Base64Url.EncodeToString(JsonText.ToBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))}";
    }

    /// <returns>The claims of a token this key signed; null for anything else.</returns>
    public JsonObject? Verify(string token)
    {
        if (token.Split('.') is not [var header, var payload, var signature]) return null;
        try
        {
            if ((JsonNode.Parse(Base64Url.DecodeFromChars(header)) as JsonObject).Text("alg") != Algorithm) return null;
            return _key.VerifyData(Encoding.ASCII.GetBytes($"{header}.{payload}"), Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
                ? JsonNode.Parse(Base64Url.DecodeFromChars(payload)) as JsonObject
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or CryptographicException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The public key as a JWK set (RFC 7517 §5, RFC 7518 §6.2.1).</summary>
    public JsonObject ToKeySet()
    {
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        return new()
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["use"] = "sig", ["kty"] = "EC", ["kid"] = Id, ["crv"] = "P-256", ["alg"] = Algorithm, ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y),
            }),
        };
    }

    public void Dispose() => _key.Dispose();
}
