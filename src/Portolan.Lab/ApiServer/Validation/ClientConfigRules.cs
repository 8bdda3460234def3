using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Where a webhook is: <c>WebhookClientConfig</c>, the same for admission and for the conversion of custom kinds.</summary>
internal static class ClientConfigRules
{
    private const string Form = "; desired format: https://host[/path]";

    public static void Default(JsonObject? config) => config.Obj("service")?.SetDefault("port", 443);

    public static void Check(JsonObject? config, string path, ErrorList errors)
    {
        var service = config.Obj("service");
        if (config?["url"] is null == service is null)
            errors.Required(path, "exactly one of url or service is required");
        else if (service is null)
            CheckUrl(config.Str("url"), path + ".url", errors);
        else
            CheckService(service, path + ".service", errors);
        if (config.Str("caBundle") is { Length: > 0 } bundle && Problem(bundle) is { } problem)
            errors.Invalid(path + ".caBundle", config?["caBundle"], "unable to load root certificates: " + problem);
    }

    /// <summary>The review versions a webhook understands: at least one must be ours, which is v1.</summary>
    public static void CheckReviewVersions(JsonObject? webhook, string name, string path, ErrorList errors)
    {
        var versions = webhook.Strings(name, path).ToList();
        if (versions.Count == 0)
        {
            errors.Required($"{path}.{name}", "must specify one of v1");
            return;
        }

        var seen = new HashSet<string>();
        foreach (var (version, at) in versions)
        {
            if (!seen.Add(version))
                errors.Invalid(at, version, "duplicate version");
            else
                MetadataRules.CheckEach(at, version, NameRules.Dns1035Label, errors);
        }

        if (!seen.Contains("v1"))
            errors.Invalid($"{path}.{name}", webhook.List(name), "must include at least one of v1");
    }

    private static void CheckUrl(string url, string path, ErrorList errors)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed))
        {
            errors.Invalid(path, url, "url must be a valid URL" + Form);
            return;
        }

        if (parsed.Scheme != Uri.UriSchemeHttps)
            errors.Invalid(path, parsed.Scheme, "'https' is the only allowed URL scheme" + Form);
        if (parsed.Host.Length == 0)
            errors.Invalid(path, "", "host must be specified" + Form);
        if (parsed.UserInfo.Length > 0)
            errors.Invalid(path, parsed.UserInfo, "user information is not permitted in the URL");
        if (url.Contains('#', StringComparison.Ordinal))
            errors.Invalid(path, parsed.Fragment.TrimStart('#'), "fragments are not permitted in the URL");
        if (url.Contains('?', StringComparison.Ordinal))
            errors.Invalid(path, parsed.Query.TrimStart('?'), "query parameters are not permitted in the URL");
    }

    private static void CheckService(JsonObject service, string path, ErrorList errors)
    {
        // A real server takes any name here; one that no Service can have would make no host name either.
        if (service.Str("name") is { Length: > 0 } name)
            MetadataRules.CheckEach(path + ".name", name, NameRules.Dns1035Label, errors);
        else
            errors.Required(path + ".name", "service name is required");
        if (service.Str("namespace") is { Length: > 0 } ns)
            MetadataRules.CheckEach(path + ".namespace", ns, NameRules.DnsLabel, errors);
        else
            errors.Required(path + ".namespace", "service namespace is required");
        if (service.Int("port") is < 1 or > 65535)
            errors.Invalid(path + ".port", service["port"], "port is not valid: must be between 1 and 65535, inclusive");
        CheckPath(service.Str("path"), path + ".path", errors);
    }

    private static void CheckPath(string value, string path, ErrorList errors)
    {
        if (value.Length == 0 || value == "/")
            return;
        if (!value.StartsWith('/'))
        {
            errors.Invalid(path, value, "must start with a '/'");
            return;
        }

        var steps = value[1..].Split('/');
        var last = steps.Length > 1 && steps[^1].Length == 0 ? steps.Length - 1 : steps.Length;
        for (var i = 0; i < last; i++)
        {
            if (steps[i].Length == 0)
                errors.Invalid(path, value, $"segment[{i}] may not be empty");
            else
                foreach (var problem in NameRules.DnsSubdomain(steps[i]))
                    errors.Invalid(path, value, $"segment[{i}]: {problem}");
        }
    }

    private static string? Problem(string bundle)
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(Encoding.UTF8.GetString(Convert.FromBase64String(bundle)));
            var none = certificates.Count == 0;
            foreach (var certificate in certificates)
                certificate.Dispose();
            return none ? "unable to parse bytes as PEM block" : null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException or ArgumentException)
        {
            return e.Message;
        }
    }
}
