using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>A CustomResourceDefinition's <c>spec.conversion</c>.</summary>
internal static class ConversionRules
{
    private const string Path = "spec.conversion";

    public static void Default(JsonObject spec)
    {
        var conversion = spec.Ensure("conversion");
        conversion.SetDefault("strategy", "None");
        ClientConfigRules.Default(conversion.Obj("webhook").Obj("clientConfig"));
    }

    public static void Check(JsonObject? spec, ErrorList errors)
    {
        var conversion = spec.Obj("conversion");
        var strategy = conversion.Str("strategy");
        ValueRules.OneOf(Path + ".strategy", strategy, errors, "None", "Webhook");
        var webhook = conversion.Obj("webhook");
        if (strategy != "Webhook")
        {
            if (webhook is not null)
                errors.Forbidden(Path + ".webhook", "should not be set when strategy is not set to Webhook");
            return;
        }

        if (webhook.Obj("clientConfig") is { } client)
            ClientConfigRules.Check(client, Path + ".webhook.clientConfig", errors);
        else
            errors.Required(Path + ".webhook.clientConfig", "required when strategy is set to Webhook");
        ClientConfigRules.CheckReviewVersions(webhook, "conversionReviewVersions", Path + ".webhook", errors);
    }

    /// <summary>A version that objects may still be stored in must stay.</summary>
    public static void CheckStoredVersions(JsonObject definition, ErrorList errors)
    {
        var versions = definition.Obj("spec").Items("versions", "spec").Select(v => v.Item).ToList();
        foreach (var (stored, path) in definition.Obj("status").Strings("storedVersions", "status"))
        {
            if (!versions.Any(v => v.Str("name") == stored))
                errors.Invalid(path, stored, $"missing from spec.versions; {stored} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {stored} and removes {stored} from status.storedVersions");
        }

        var storage = versions.FirstOrDefault(v => ObjectReading.Flag(v, "storage") == true).Str("name");
        if (definition.Obj("status").List("storedVersions") is { } list && storage.Length > 0 && !definition.Obj("status").Strings("storedVersions", "").Any(s => s.Item == storage))
            errors.Invalid("status.storedVersions", list, $"must have the storage version {storage}");
    }
}
