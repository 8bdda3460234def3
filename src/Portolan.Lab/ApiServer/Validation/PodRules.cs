using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Pods, and the pod templates inside workloads.</summary>
internal static class PodRules
{
    private const string OnlyMutable =
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        + "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    public static KindRules Pod { get; } = new()
    {
        Default = static pod =>
        {
            var spec = pod.Ensure("spec");
            PodDefaults.Spec(spec);
            PodDefaults.Requests(spec);
            spec.SetDefault("enableServiceLinks", true);
        },
        Check = static (pod, errors) => CheckSpec(pod.Obj("spec"), "spec", errors),
        CheckChange = CheckChange,
    };

    /// <summary>A <c>template</c>: labels, annotations and a spec.</summary>
    public static void CheckTemplate(JsonObject? template, string path, ErrorList errors)
    {
        MetadataRules.CheckLabels(template.Obj("metadata").Obj("labels"), path + ".metadata.labels", errors);
        MetadataRules.CheckAnnotations(template.Obj("metadata").Obj("annotations"), path + ".metadata.annotations", errors);
        CheckSpec(template.Obj("spec"), path + ".spec", errors);
    }

    public static void DefaultTemplate(JsonObject owner)
    {
        var template = owner.Ensure("template");
        template.Ensure("metadata");
        PodDefaults.Spec(template.Ensure("spec"));
    }

    private static void CheckSpec(JsonObject? spec, string path, ErrorList errors)
    {
        var volumes = CheckVolumes(spec, path, errors);
        var names = new HashSet<string>();
        if (spec.List("containers") is null or { Count: 0 })
            errors.Required(path + ".containers");
        var onHost = spec.Flag("hostNetwork") == true;
        foreach (var list in (string[])["containers", "initContainers"])
        {
            foreach (var (container, at) in spec.Items(list, path))
                ContainerRules.Check(container, at, new PodScope(names, volumes, onHost), errors);
        }

        ValueRules.OneOf(path + ".restartPolicy", spec.Str("restartPolicy"), errors, "Always", "OnFailure", "Never");
        ValueRules.OneOf(path + ".dnsPolicy", spec.Str("dnsPolicy"), errors, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None");
        ValueRules.NotNegative(path + ".terminationGracePeriodSeconds", spec.Int("terminationGracePeriodSeconds"), errors);
        if (spec.Int("activeDeadlineSeconds") is { } deadline and (< 1 or > int.MaxValue))
            errors.Invalid(path + ".activeDeadlineSeconds", deadline, $"must be between 1 and {int.MaxValue}, inclusive");
        MetadataRules.CheckLabels(spec.Obj("nodeSelector"), path + ".nodeSelector", errors);
        if (spec.Str("serviceAccountName") is { Length: > 0 } account)
            MetadataRules.CheckEach(path + ".serviceAccountName", account, NameRules.DnsSubdomain, errors);
        if (spec.Str("nodeName") is { Length: > 0 } node)
            MetadataRules.CheckEach(path + ".nodeName", node, NameRules.DnsSubdomain, errors);
        if (spec.Str("hostname") is { Length: > 0 } hostname)
            MetadataRules.CheckEach(path + ".hostname", hostname, NameRules.DnsLabel, errors);
        if (spec.Str("subdomain") is { Length: > 0 } subdomain)
            MetadataRules.CheckEach(path + ".subdomain", subdomain, NameRules.DnsLabel, errors);
        foreach (var (alias, at) in spec.Items("hostAliases", path))
        {
            ValueRules.Address(at + ".ip", alias.Str("ip"), errors);
            foreach (var (name, nameAt) in alias.Strings("hostnames", at))
                MetadataRules.CheckEach(nameAt, name, NameRules.DnsSubdomain, errors);
        }

        foreach (var (toleration, at) in spec.Items("tolerations", path))
            CheckToleration(toleration, at, errors);
    }

    private static HashSet<string> CheckVolumes(JsonObject? spec, string path, ErrorList errors)
    {
        var names = new HashSet<string>();
        foreach (var (volume, at) in spec.Items("volumes", path))
        {
            var name = volume.Str("name");
            if (name.Length == 0)
                errors.Required(at + ".name");
            else
                MetadataRules.CheckEach(at + ".name", name, NameRules.DnsLabel, errors);
            if (!names.Add(name) && name.Length > 0)
                errors.Duplicate(at + ".name", name);
            var sources = volume.Where(member => member.Key != "name").Select(member => member.Key).ToList();
            if (sources.Count == 0)
                errors.Required(at, "must specify a volume type");
            foreach (var extra in sources.Skip(1))
                errors.Forbidden($"{at}.{extra}", "may not specify more than 1 volume type");
            if (volume.Obj("hostPath") is { } hostPath && hostPath.Str("path").Length == 0)
                errors.Required(at + ".hostPath.path");
            if (volume.Obj("secret") is { } secret && secret.Str("secretName").Length == 0)
                errors.Required(at + ".secret.secretName");
            if (volume.Obj("configMap") is { } map && map.Str("name").Length == 0)
                errors.Required(at + ".configMap.name");
        }

        return names;
    }

    private static void CheckToleration(JsonObject toleration, string path, ErrorList errors)
    {
        var key = toleration.Str("key");
        if (key.Length > 0)
            MetadataRules.CheckEach(path + ".key", key, NameRules.QualifiedName, errors);
        else if (toleration.Str("operator") != "Exists")
            errors.Invalid(path + ".operator", toleration.Str("operator"), "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
        ValueRules.OneOfIfSet(path + ".operator", toleration.Str("operator"), errors, "Equal", "Exists");
        if (toleration.Str("operator") == "Exists" && toleration.Str("value").Length > 0)
            errors.Invalid(path + ".operator", toleration["value"], "value must be empty when `operator` is 'Exists'");
        ValueRules.OneOfIfSet(path + ".effect", toleration.Str("effect"), errors, "NoSchedule", "PreferNoSchedule", "NoExecute");
        if (toleration.Int("tolerationSeconds") is not null && toleration.Str("effect") is not ("NoExecute" or ""))
            errors.Invalid(path + ".effect", toleration["effect"], "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }

    private static void CheckChange(JsonObject pod, JsonObject old, ErrorList errors)
    {
        var after = Fixed(pod);
        var before = Fixed(old);
        if (!ObjectReading.Same(after, before))
            errors.Forbidden("spec", OnlyMutable);
        foreach (var (toleration, _) in old.Obj("spec").Items("tolerations", ""))
        {
            if (!pod.Obj("spec").Items("tolerations", "").Any(kept => JsonNode.DeepEquals(kept.Item, toleration)))
            {
                errors.Forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
                break;
            }
        }
    }

    /// <summary>The spec without the few things that may change while a pod lives.</summary>
    private static JsonObject Fixed(JsonObject pod)
    {
        var spec = (JsonObject?)pod.Obj("spec")?.DeepClone() ?? [];
        spec.Remove("activeDeadlineSeconds");
        spec.Remove("tolerations");
        spec.Remove("terminationGracePeriodSeconds");
        spec.Remove("ephemeralContainers");
        foreach (var list in (string[])["containers", "initContainers"])
        {
            foreach (var (container, _) in spec.Items(list, ""))
                container.Remove("image");
        }

        return spec;
    }
}
