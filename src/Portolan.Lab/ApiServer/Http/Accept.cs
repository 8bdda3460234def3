using Microsoft.AspNetCore.Http;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>The forms in which objects can be asked for.</summary>
internal enum ReplyForm
{
    Json,
    Yaml,
    Table,
    PartialMetadata,
}

/// <summary>What a client accepts, boiled down to the first form we have.</summary>
/// <param name="Form">The form.</param>
/// <param name="Version">Of meta.k8s.io, for tables and partial metadata.</param>
internal readonly record struct Accept(ReplyForm Form, string Version)
{
    public static readonly Accept PlainJson = new(ReplyForm.Json, "");

    /// <exception cref="ApiException">406: the client takes nothing we have.</exception>
    public static Accept Of(HttpRequest request)
    {
        var header = request.Headers.Accept.ToString();
        if (header.Length == 0) return PlainJson;
        foreach (var offer in header.Split(',', StringSplitOptions.TrimEntries))
        {
            var parts = offer.Split(';', StringSplitOptions.TrimEntries);
            var (form, version) = ("", "");
            foreach (var parameter in parts.AsSpan(1))
                if (parameter.StartsWith("as=", StringComparison.Ordinal)) form = parameter[3..];
                else if (parameter.StartsWith("v=", StringComparison.Ordinal)) version = parameter[2..];
            switch (parts[0], form)
            {
                case ("application/json" or "application/*" or "*/*", ""):
                    return PlainJson;
                case ("application/json", "Table") when version is "v1" or "v1beta1":
                    return new(ReplyForm.Table, version);
                case ("application/json", "PartialObjectMetadata" or "PartialObjectMetadataList") when version is "v1" or "v1beta1":
                    return new(ReplyForm.PartialMetadata, version);
                case ("application/yaml", ""):
                    return new(ReplyForm.Yaml, "");
            }
        }

        throw ApiErrors.NotAcceptable();
    }
}
