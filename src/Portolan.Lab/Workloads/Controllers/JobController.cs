using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Runs pods to their end, as many as a Job asks for.</summary>
internal sealed class JobController(ClusterCache cache, ClusterWriter writer) : Controller("job-controller")
{
    private const string IndexAnnotation = "batch.kubernetes.io/job-completion-index";
    private readonly Claims _claims = new(cache, writer, WorkloadKinds.Jobs, WorkloadKinds.Pods);

    public override IEnumerable<ObjectKey> Touches(CacheChange change) => change.Is(WorkloadKinds.Jobs) ? [change.Key]
        : change.Is(WorkloadKinds.Pods) ? _claims.OwnersTouchedBy(change).Select(o => new ObjectKey(change.Key.Namespace, o))
        : [];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Jobs, key) is not { } job || job.IsDeleting())
            return null;
        if (IsFinished(job))
            return await ForgetInTimeAsync(job, cancel).ConfigureAwait(false);

        var pods = await _claims.OfAsync(job, cancel).ConfigureAwait(false);
        var facts = pods.Select(Facts).ToList();
        // Pods that were counted and are gone stay counted.
        var succeeded = Math.Max((int)(job.Json.Number("status", "succeeded") ?? 0), facts.Count(p => p.Succeeded));
        var failed = Math.Max((int)(job.Json.Number("status", "failed") ?? 0), facts.Count(p => p.Failed));
        var decision = JobPlan.Of(Settings(job), facts, succeeded, failed, writer.Now);
        var deadline = Deadline(job);
        var overdue = deadline <= writer.Now && decision.Outcome is JobOutcome.Running;
        foreach (var name in overdue ? facts.Where(p => p.IsActive).Select(p => p.Name) : decision.Delete)
            await writer.DeleteAsync(WorkloadKinds.Pods, pods.Find(p => p.Metadata.Name == name)!, cancel).ConfigureAwait(false);
        foreach (var index in overdue ? [] : decision.Create)
        {
            var created = await writer.CreateAsync(WorkloadKinds.Pods, PodFor(job, index), cancel).ConfigureAwait(false);
            await writer.TellAsync(WorkloadKinds.Jobs, job, Name, "Normal", "SuccessfulCreate", $"Created pod: {created.Metadata.Name}", cancel).ConfigureAwait(false);
        }
        await WriteStatusAsync(key, decision.Outcome, overdue, succeeded, failed, cancel).ConfigureAwait(false);
        return new[] { decision.Wait, overdue ? null : deadline }.Min() - writer.Now;
    }

    private async Task WriteStatusAsync(ObjectKey key, JobOutcome outcome, bool overdue, int succeeded, int failed, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Jobs, key) is not { } job)
            return;
        var pods = cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => p.IsOwnedBy(job)).ToList();
        var suspended = job.Json.Flag("spec", "suspend");
        var status = new JsonObject
        {
            ["active"] = pods.Count(p => p.IsActive()),
            ["ready"] = pods.Count(p => p.IsActive() && p.IsReady()),
            ["terminating"] = pods.Count(p => p.IsDeleting() && !p.IsFinished()),
            ["succeeded"] = succeeded,
            ["failed"] = failed,
            ["uncountedTerminatedPods"] = new JsonObject(),
            ["startTime"] = suspended ? null : job.Json.Text("status", "startTime") ?? writer.Now.Timestamp(),
        };
        if (outcome is JobOutcome.Complete)
        {
            const string reason = "CompletionsReached", message = "Reached expected number of succeeded pods";
            status["completionTime"] = writer.Now.Timestamp();
            status["conditions"] = new JsonArray(Condition("SuccessCriteriaMet", reason, message), Condition("Complete", reason, message));
        }
        else if (overdue || outcome is JobOutcome.BackoffLimitExceeded)
        {
            var (reason, message) = overdue ? ("DeadlineExceeded", "Job was active longer than specified deadline") : ("BackoffLimitExceeded", "Job has reached the specified backoff limit");
            status["conditions"] = new JsonArray(Condition("FailureTarget", reason, message), Condition("Failed", reason, message));
        }
        else if (suspended || job.Condition("Suspended") is not null)
        {
            status["conditions"] = new JsonArray(Conditions.Next(job, "Suspended", suspended ? "True" : "False", suspended ? "JobSuspended" : "JobResumed", suspended ? "Job suspended" : "Job resumed", writer.Now));
        }
        await writer.PatchStatusAsync(WorkloadKinds.Jobs, job, status, cancel).ConfigureAwait(false);
        if (outcome is JobOutcome.Complete)
            await writer.TellAsync(WorkloadKinds.Jobs, job, Name, "Normal", "Completed", "Job completed", cancel).ConfigureAwait(false);
        else if (status.Objects("conditions").FirstOrDefault(c => c.Text("type") == "Failed") is { } failure)
            await writer.TellAsync(WorkloadKinds.Jobs, job, Name, "Warning", failure.Text("reason")!, failure.Text("message")!, cancel).ConfigureAwait(false);

        JsonNode Condition(string type, string reason, string message)
        {
            var condition = Conditions.Next(job, type, "True", reason, message, writer.Now);
            condition["lastProbeTime"] = writer.Now.Timestamp();
            return condition;
        }
    }

    /// <summary>A finished Job goes when its <c>ttlSecondsAfterFinished</c> are over.</summary>
    private async Task<TimeSpan?> ForgetInTimeAsync(UntypedObject job, CancellationToken cancel)
    {
        if (job.Json.Number("spec", "ttlSecondsAfterFinished") is not { } seconds)
            return null;
        var finished = job.Condition("Complete") ?? job.Condition("Failed");
        var left = (DateTimeOffset.TryParse(finished.Text("lastTransitionTime"), out var at) ? at : writer.Now).AddSeconds(seconds) - writer.Now;
        if (left > TimeSpan.Zero)
            return left;
        await writer.DeleteAsync(WorkloadKinds.Jobs, job, cancel, propagation: "Foreground").ConfigureAwait(false);
        return null;
    }

    public static bool IsFinished(UntypedObject job) => job.HasCondition("Complete") || job.HasCondition("Failed");

    private static DateTimeOffset? Deadline(UntypedObject job) =>
        job.Json.Number("spec", "activeDeadlineSeconds") is { } seconds && DateTimeOffset.TryParse(job.Json.Text("status", "startTime"), out var start) ? start.AddSeconds(seconds) : null;

    private static JobSettings Settings(UntypedObject job)
    {
        var spec = job.Json["spec"];
        return new JobSettings((int)(spec.Number("parallelism") ?? 1), (int?)spec.Number("completions"), (int)(spec.Number("backoffLimit") ?? 6),
            spec.Text("completionMode") == "Indexed", spec.Flag("suspend"), spec.Text("template", "spec", "restartPolicy") == "OnFailure");
    }

    private static JobPod Facts(UntypedObject pod)
    {
        var statuses = pod.Json.Objects("status", "containerStatuses").ToList();
        var failed = pod.Phase() == "Failed" || (pod.IsDeleting() && pod.Phase() == "Failed");
        DateTimeOffset? ended = null;
        if (failed)
            ended = statuses.Select(s => DateTimeOffset.TryParse(s.Text("state", "terminated", "finishedAt"), out var at) ? at : (DateTimeOffset?)null).Max() ?? pod.Metadata.CreationTimestamp;
        return new JobPod(pod.Metadata.Name!, int.TryParse(pod.Annotation(IndexAnnotation), out var index) ? index : null, pod.Phase() == "Succeeded", failed, pod.IsDeleting(),
            (int)statuses.Sum(s => s.Number("restartCount") ?? 0), ended);
    }

    private static UntypedObject PodFor(UntypedObject job, int? index)
    {
        var name = index is null ? job.Metadata.Name! : $"{job.Metadata.Name}-{index}";
        var pod = Pods.FromTemplate(job.Json.At("spec", "template"), job.Metadata.Namespace!, name, Objects.ReferenceTo(WorkloadKinds.Jobs, job));
        if (index is null)
            return pod;
        var metadata = (JsonObject)pod.Json["metadata"]!;
        foreach (var place in (string[])["annotations", "labels"])
        {
            if (metadata[place] is not JsonObject map)
                metadata[place] = map = [];
            map[IndexAnnotation] = $"{index}";
        }
        var spec = (JsonObject)pod.Json["spec"]!;
        spec["hostname"] ??= name;
        foreach (var container in spec.Objects("initContainers").Concat(spec.Objects("containers")))
        {
            if (container["env"] is not JsonArray environment)
                container["env"] = environment = [];
            environment.Add((JsonNode)new JsonObject { ["name"] = "JOB_COMPLETION_INDEX", ["value"] = $"{index}" });
        }
        return pod;
    }
}
