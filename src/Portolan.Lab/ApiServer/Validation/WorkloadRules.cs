using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>The kinds that make pods from a template.</summary>
internal static class WorkloadRules
{
    public static KindRules ReplicaSet { get; } = new()
    {
        Default = static set =>
        {
            var spec = set.Ensure("spec");
            spec.SetDefault("replicas", 1);
            PodRules.DefaultTemplate(spec);
        },
        Check = static (set, errors) =>
        {
            CheckReplicas(set.Obj("spec"), errors);
            CheckTemplate(set.Obj("spec"), "empty selector is invalid for deployment", errors);
        },
        CheckChange = SelectorIsFixed,
    };

    public static KindRules Deployment { get; } = new()
    {
        Default = static deployment =>
        {
            var spec = deployment.Ensure("spec");
            spec.SetDefault("replicas", 1);
            spec.SetDefault("revisionHistoryLimit", 10);
            spec.SetDefault("progressDeadlineSeconds", 600);
            var strategy = spec.Ensure("strategy");
            strategy.SetDefault("type", "RollingUpdate");
            if (strategy.Str("type") == "RollingUpdate")
            {
                var rolling = strategy.Ensure("rollingUpdate");
                rolling["maxSurge"] ??= "25%";
                rolling["maxUnavailable"] ??= "25%";
            }

            PodRules.DefaultTemplate(spec);
        },
        Check = static (deployment, errors) =>
        {
            var spec = deployment.Obj("spec");
            CheckReplicas(spec, errors);
            CheckTemplate(spec, "empty selector is invalid for deployment", errors);
            CheckRollout(spec.Obj("strategy"), "spec.strategy", "Recreate", errors);
            ValueRules.NotNegative("spec.revisionHistoryLimit", spec.Int("revisionHistoryLimit"), errors);
            if (spec.Int("progressDeadlineSeconds") is { } deadline && deadline <= (spec.Int("minReadySeconds") ?? 0))
                errors.Invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
        },
        CheckChange = SelectorIsFixed,
    };

    public static KindRules DaemonSet { get; } = new()
    {
        Default = static set =>
        {
            var spec = set.Ensure("spec");
            spec.SetDefault("revisionHistoryLimit", 10);
            var strategy = spec.Ensure("updateStrategy");
            strategy.SetDefault("type", "RollingUpdate");
            if (strategy.Str("type") == "RollingUpdate")
            {
                var rolling = strategy.Ensure("rollingUpdate");
                rolling.SetDefault("maxSurge", 0);
                rolling.SetDefault("maxUnavailable", 1);
            }

            PodRules.DefaultTemplate(spec);
        },
        Check = static (set, errors) =>
        {
            var spec = set.Obj("spec");
            CheckTemplate(spec, "empty selector is invalid for daemonset", errors);
            ValueRules.NotNegative("spec.minReadySeconds", spec.Int("minReadySeconds"), errors);
            ValueRules.NotNegative("spec.revisionHistoryLimit", spec.Int("revisionHistoryLimit"), errors);
            CheckRollout(spec.Obj("updateStrategy"), "spec.updateStrategy", "OnDelete", errors);
        },
        CheckChange = SelectorIsFixed,
    };

    public static KindRules StatefulSet { get; } = new()
    {
        Default = static set =>
        {
            var spec = set.Ensure("spec");
            spec.SetDefault("replicas", 1);
            spec.SetDefault("revisionHistoryLimit", 10);
            spec.SetDefault("podManagementPolicy", "OrderedReady");
            var strategy = spec.Ensure("updateStrategy");
            strategy.SetDefault("type", "RollingUpdate");
            if (strategy.Str("type") == "RollingUpdate")
                strategy.Ensure("rollingUpdate").SetDefault("partition", 0);
            var retention = spec.Ensure("persistentVolumeClaimRetentionPolicy");
            retention.SetDefault("whenDeleted", "Retain");
            retention.SetDefault("whenScaled", "Retain");
            PodRules.DefaultTemplate(spec);
        },
        Check = static (set, errors) =>
        {
            var spec = set.Obj("spec");
            CheckReplicas(spec, errors);
            CheckTemplate(spec, "empty selector is invalid for statefulset", errors);
            ValueRules.OneOf("spec.podManagementPolicy", spec.Str("podManagementPolicy"), errors, "OrderedReady", "Parallel");
            ValueRules.OneOf("spec.updateStrategy.type", spec.Obj("updateStrategy").Str("type"), errors, "OnDelete", "RollingUpdate");
        },
        CheckChange = static (set, old, errors) =>
        {
            foreach (var name in (string[])["serviceName", "podManagementPolicy", "selector", "volumeClaimTemplates"])
            {
                if (!ObjectReading.Same(set.Obj("spec")?[name], old.Obj("spec")?[name]))
                {
                    errors.Forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                        + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
                    return;
                }
            }
        },
    };

    public static KindRules ReplicationController { get; } = new()
    {
        Default = static controller =>
        {
            var spec = controller.Ensure("spec");
            spec.SetDefault("replicas", 1);
            PodRules.DefaultTemplate(spec);
            if (spec.Obj("selector") is null && spec.Obj("template").Obj("metadata").Obj("labels") is { } labels)
                spec["selector"] = labels.DeepClone();
        },
        Check = static (controller, errors) =>
        {
            var spec = controller.Obj("spec");
            CheckReplicas(spec, errors);
            if (spec.Obj("selector") is null or { Count: 0 })
                errors.Required("spec.selector");
            PodRules.CheckTemplate(spec.Obj("template"), "spec.template", errors);
        },
    };

    public static KindRules PodTemplate { get; } = new()
    {
        Default = static template => PodRules.DefaultTemplate(template),
        Check = static (template, errors) => PodRules.CheckTemplate(template.Obj("template"), "template", errors),
    };

    public static KindRules Job { get; } = new()
    {
        Default = static job => JobSpec(job.Ensure("spec")),
        Check = static (job, errors) =>
        {
            var spec = job.Obj("spec");
            foreach (var count in (string[])["parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished"])
                ValueRules.NotNegative($"spec.{count}", spec.Int(count), errors);
            CheckJobTemplate(spec, "spec", errors);
        },
        CheckChange = static (job, old, errors) =>
        {
            foreach (var name in (string[])["selector", "completionMode"])
                ValueRules.Immutable($"spec.{name}", job.Obj("spec")?[name], old.Obj("spec")?[name], errors);
        },
    };

    public static KindRules CronJob { get; } = new()
    {
        // The name of each run is the name of the cron job and eleven characters more.
        Name = static name => name.Length > 52 ? ["must be no more than 52 characters"] : NameRules.DnsSubdomain(name),
        Default = static job =>
        {
            var spec = job.Ensure("spec");
            spec.SetDefault("concurrencyPolicy", "Allow");
            spec.SetDefault("suspend", false);
            spec.SetDefault("successfulJobsHistoryLimit", 3);
            spec.SetDefault("failedJobsHistoryLimit", 1);
            PodRules.DefaultTemplate(spec.Ensure("jobTemplate").Ensure("spec"));
        },
        Check = static (job, errors) =>
        {
            var spec = job.Obj("spec");
            var schedule = spec.Str("schedule");
            if (schedule.Length == 0)
                errors.Required("spec.schedule");
            else if (schedule[0] != '@' && schedule.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: not 5 } fields)
                errors.Invalid("spec.schedule", schedule, $"expected exactly 5 fields, found {fields.Length}: [{string.Join(' ', fields)}]");
            ValueRules.OneOf("spec.concurrencyPolicy", spec.Str("concurrencyPolicy"), errors, "Allow", "Forbid", "Replace");
            CheckJobTemplate(spec.Obj("jobTemplate").Obj("spec"), "spec.jobTemplate.spec", errors);
        },
    };

    private static void JobSpec(JsonObject spec)
    {
        if (spec["completions"] is null && spec["parallelism"] is null)
            spec["completions"] = 1;
        spec.SetDefault("parallelism", 1);
        spec.SetDefault("backoffLimit", 6);
        spec.SetDefault("completionMode", "NonIndexed");
        spec.SetDefault("suspend", false);
        spec.SetDefault("podReplacementPolicy", spec["podFailurePolicy"] is null ? "TerminatingOrFailed" : "Failed");
        PodRules.DefaultTemplate(spec);
    }

    private static void CheckJobTemplate(JsonObject? spec, string path, ErrorList errors)
    {
        PodRules.CheckTemplate(spec.Obj("template"), path + ".template", errors);
        var policy = spec.Obj("template").Obj("spec").Str("restartPolicy");
        if (policy == "Always")
            errors.NotSupported(path + ".template.spec.restartPolicy", policy, "OnFailure", "Never");
    }

    private static void CheckReplicas(JsonObject? spec, ErrorList errors)
    {
        ValueRules.NotNegative("spec.replicas", spec.Int("replicas"), errors);
        ValueRules.NotNegative("spec.minReadySeconds", spec.Int("minReadySeconds"), errors);
    }

    private static void CheckTemplate(JsonObject? spec, string emptySelector, ErrorList errors)
    {
        var selector = spec.Obj("selector");
        ValueRules.Selector("spec.selector", selector, emptySelector, errors);
        var template = spec.Obj("template");
        var labels = template.Obj("metadata").Obj("labels");
        if (selector is { Count: > 0 } && !ValueRules.Selects(selector, labels))
            errors.Invalid("spec.template.metadata.labels", labels ?? [], "`selector` does not match template `labels`");
        PodRules.CheckTemplate(template, "spec.template", errors);
        var podSpec = template.Obj("spec");
        if (podSpec.Str("restartPolicy") is { Length: > 0 } policy and not "Always")
            errors.NotSupported("spec.template.spec.restartPolicy", policy, "Always");
        if (podSpec.Int("activeDeadlineSeconds") is not null)
            errors.Forbidden("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported");
    }

    private static void CheckRollout(JsonObject? strategy, string path, string other, ErrorList errors)
    {
        var type = strategy.Str("type");
        var rolling = strategy.Obj("rollingUpdate");
        ValueRules.OneOf(path + ".type", type, errors, other, "RollingUpdate");
        if (type == other && rolling is not null)
            errors.Forbidden(path + ".rollingUpdate", $"may not be specified when strategy `type` is '{other}'");
        if (type != "RollingUpdate")
            return;
        foreach (var bound in (string[])["maxUnavailable", "maxSurge"])
        {
            var text = Scalars.AsString(rolling?[bound]);
            if (text is not null && (!text.EndsWith('%') || !int.TryParse(text.AsSpan(0, text.Length - 1), out var percent) || percent < 0))
                errors.Invalid($"{path}.rollingUpdate.{bound}", text, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%', regex used for validation is '[0-9]+%')");
            ValueRules.NotNegative($"{path}.rollingUpdate.{bound}", rolling.Int(bound), errors);
        }

        if (IsZero(rolling?["maxUnavailable"]) && IsZero(rolling?["maxSurge"]))
            errors.Invalid(path + ".rollingUpdate.maxUnavailable", rolling?["maxUnavailable"], "may not be 0 when `maxSurge` is 0");
    }

    private static bool IsZero(JsonNode? value) => Scalars.AsInteger(value) == 0 || Scalars.AsString(value) == "0%";

    private static void SelectorIsFixed(JsonObject workload, JsonObject old, ErrorList errors) =>
        ValueRules.Immutable("spec.selector", workload.Obj("spec").Obj("selector"), old.Obj("spec").Obj("selector"), errors);
}
