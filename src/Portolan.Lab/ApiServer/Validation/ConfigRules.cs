using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>ConfigMaps and Secrets: what their keys may be called, how much they may hold, and what "immutable" freezes.</summary>
internal static class ConfigRules
{
    private const int MaxBytes = 1024 * 1024;
    private const string Frozen = "field is immutable when `immutable` is set";

    public static KindRules ConfigMap { get; } = new()
    {
        Check = static (map, errors) =>
        {
            var size = CheckKeys(map.Obj("data"), "data", errors) + CheckKeys(map.Obj("binaryData"), "binaryData", errors);
            foreach (var (key, _) in map.Obj("binaryData") ?? [])
            {
                if (map.Obj("data")?.ContainsKey(key) == true)
                    errors.Invalid($"data[{key}]", key, "duplicate of key present in binaryData");
            }

            if (size > MaxBytes)
                errors.TooLong("", MaxBytes);
        },
        CheckChange = static (map, old, errors) => CheckFrozen(map, old, ["data", "binaryData"], errors),
    };

    public static KindRules Secret { get; } = new()
    {
        Default = static secret =>
        {
            secret.SetDefault("type", "Opaque");
            if (secret.Obj("stringData") is not { } plain)
                return;

            // stringData is write-only: it lands in data, and wins there.
            var data = secret.Ensure("data");
            foreach (var (key, value) in plain)
                data[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(Scalars.AsString(value) ?? ""));
            secret.Remove("stringData");
        },
        Check = static (secret, errors) =>
        {
            if (CheckKeys(secret.Obj("data"), "data", errors) > MaxBytes)
                errors.TooLong("data", MaxBytes);
            CheckType(secret, errors);
        },
        CheckChange = static (secret, old, errors) =>
        {
            ValueRules.Immutable("type", secret["type"], old["type"], errors);
            CheckFrozen(secret, old, ["data"], errors);
        },
    };

    private static long CheckKeys(JsonObject? data, string path, ErrorList errors)
    {
        var size = 0L;
        foreach (var (key, value) in data ?? [])
        {
            foreach (var problem in NameRules.ConfigKey(key))
                errors.Invalid($"{path}[{key}]", key, problem);
            size += Scalars.AsString(value)?.Length ?? 0;
        }

        return size;
    }

    private static void CheckType(JsonObject secret, ErrorList errors)
    {
        var data = secret.Obj("data");
        string[] needed = secret.Str("type") switch
        {
            "kubernetes.io/tls" => ["tls.crt", "tls.key"],
            "kubernetes.io/dockerconfigjson" => [".dockerconfigjson"],
            "kubernetes.io/dockercfg" => [".dockercfg"],
            "kubernetes.io/ssh-auth" => ["ssh-privatekey"],
            _ => [],
        };
        foreach (var key in needed)
        {
            if (data?.ContainsKey(key) != true)
                errors.Required($"data[{key}]");
        }

        if (secret.Str("type") == "kubernetes.io/basic-auth" && data?.ContainsKey("username") != true && data?.ContainsKey("password") != true)
        {
            errors.Required("data[username]");
            errors.Required("data[password]");
        }

        const string Account = "kubernetes.io/service-account.name";
        if (secret.Str("type") == "kubernetes.io/service-account-token" && secret.Obj("metadata").Obj("annotations").Str(Account).Length == 0)
            errors.Required($"metadata.annotations[{Account}]");
    }

    private static void CheckFrozen(JsonObject obj, JsonObject old, string[] fields, ErrorList errors)
    {
        if (old.Flag("immutable") != true)
            return;
        if (obj.Flag("immutable") != true)
            errors.Forbidden("immutable", Frozen);
        foreach (var field in fields)
        {
            if (!ObjectReading.Same(obj[field], old[field]))
                errors.Forbidden(field, Frozen);
        }
    }
}
