using System.Text.Json;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Rows of the kinds that make pods.</summary>
internal static class WorkloadPrinters
{
    private static TableColumn[] TemplateColumns => [RowPrinter.Wide("Containers"), RowPrinter.Wide("Images"), RowPrinter.Wide("Selector")];

    public static RowPrinter ReplicaSet { get; } = Replicas(selector => selector.Selector());

    public static RowPrinter ReplicationController { get; } = Replicas(selector => selector.Labels());

    public static RowPrinter Deployment { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Ready"), RowPrinter.Column("Up-to-date"), RowPrinter.Column("Available"), RowPrinter.Age, .. TemplateColumns],
        (deployment, cells) =>
        {
            var status = deployment.At("status");
            cells.Text(deployment.Name());
            cells.Text($"{status.At("readyReplicas").Int()}/{deployment.At("spec", "replicas").Int()}");
            cells.Number(status.At("updatedReplicas").Int());
            cells.Number(status.At("availableReplicas").Int());
            cells.Age(deployment);
            Template(deployment, cells, deployment.At("spec", "selector").Selector());
        });

    public static RowPrinter DaemonSet { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Number("Desired"), RowPrinter.Number("Current"), RowPrinter.Number("Ready"), RowPrinter.Number("Up-to-date"),
            RowPrinter.Number("Available"), RowPrinter.Column("Node Selector"), RowPrinter.Age, .. TemplateColumns,
        ],
        (set, cells) =>
        {
            var status = set.At("status");
            cells.Text(set.Name());
            cells.Number(status.At("desiredNumberScheduled").Int());
            cells.Number(status.At("currentNumberScheduled").Int());
            cells.Number(status.At("numberReady").Int());
            cells.Number(status.At("updatedNumberScheduled").Int());
            cells.Number(status.At("numberAvailable").Int());
            cells.Text(set.At("spec", "template", "spec", "nodeSelector").Labels());
            cells.Age(set);
            Template(set, cells, set.At("spec", "selector").Selector());
        });

    public static RowPrinter StatefulSet { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Ready"), RowPrinter.Age, RowPrinter.Wide("Containers"), RowPrinter.Wide("Images")],
        (set, cells) =>
        {
            cells.Text(set.Name());
            cells.Text($"{set.At("status", "readyReplicas").Int()}/{set.At("spec", "replicas").Int()}");
            cells.Age(set);
            Template(set, cells, null);
        });

    public static RowPrinter ControllerRevision { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Controller"), RowPrinter.Number("Revision"), RowPrinter.Age],
        (revision, cells) =>
        {
            var owner = revision.At("metadata", "ownerReferences").Items().FirstOrDefault(reference => reference.At("controller").IsTrue());
            var group = owner.At("apiVersion").Str().Split('/') is [var name, _] ? "." + name : "";
            cells.Text(revision.Name());
            cells.Text(owner.Exists() ? $"{owner.At("kind").Str().ToLowerInvariant()}{group}/{owner.At("name").Str()}" : "<none>");
            cells.Number(revision.At("revision").Int());
            cells.Age(revision);
        });

    public static RowPrinter PodTemplate { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Containers"), RowPrinter.Column("Images"), RowPrinter.Column("Pod Labels")],
        (template, cells) =>
        {
            cells.Text(template.Name());
            cells.Text(template.At("template", "spec").ContainerNames());
            cells.Text(template.At("template", "spec").Images());
            cells.Text(template.At("template", "metadata", "labels").Labels());
        });

    public static RowPrinter Job { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Status"), RowPrinter.Column("Completions"), RowPrinter.Column("Duration"), RowPrinter.Age, .. TemplateColumns],
        (job, cells) =>
        {
            var status = job.At("status");
            var duration = status.At("startTime").Time() is { } start ? HumanDuration.Format((status.At("completionTime").Time() ?? cells.Now) - start) : "";
            cells.Text(job.Name());
            cells.Text(JobStatus(job));
            cells.Text(JobCompletions(job));
            cells.Text(duration);
            cells.Age(job);
            Template(job, cells, job.At("spec", "selector").Selector());
        });

    public static RowPrinter CronJob { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Column("Schedule"), RowPrinter.Column("Timezone"), RowPrinter.Column("Suspend"), RowPrinter.Number("Active"),
            RowPrinter.Column("Last Schedule"), RowPrinter.Age, .. TemplateColumns,
        ],
        (job, cells) =>
        {
            var last = job.At("status", "lastScheduleTime");
            var podSpec = job.At("spec", "jobTemplate", "spec", "template", "spec");
            cells.Text(job.Name());
            cells.Text(job.At("spec", "schedule").Str());
            cells.TextOrNone(job.At("spec", "timeZone").Str());
            cells.Text(job.At("spec", "suspend").IsTrue() ? "True" : "False");
            cells.Number(job.At("status", "active").Count());
            cells.Text(last.Exists() ? cells.Since(last) : "<none>");
            cells.Age(job);
            cells.Text(podSpec.ContainerNames());
            cells.Text(podSpec.Images());
            cells.Text(job.At("spec", "jobTemplate", "spec", "selector").Selector());
        });

    private static RowPrinter Replicas(Func<JsonElement, string> selector) => new(
        [RowPrinter.Name, RowPrinter.Number("Desired"), RowPrinter.Number("Current"), RowPrinter.Number("Ready"), RowPrinter.Age, .. TemplateColumns],
        (set, cells) =>
        {
            cells.Text(set.Name());
            cells.Number(set.At("spec", "replicas").Int());
            cells.Number(set.At("status", "replicas").Int());
            cells.Number(set.At("status", "readyReplicas").Int());
            cells.Age(set);
            Template(set, cells, selector(set.At("spec", "selector")));
        });

    private static void Template(JsonElement workload, Cells cells, string? selector)
    {
        var podSpec = workload.At("spec", "template", "spec");
        cells.Text(podSpec.ContainerNames());
        cells.Text(podSpec.Images());
        if (selector is not null)
            cells.Text(selector);
    }

    private static string JobStatus(JsonElement job)
    {
        var status = job.At("status");
        if (status.HasCondition("Complete"))
            return "Complete";
        if (status.HasCondition("Failed"))
            return "Failed";
        if (job.At("metadata", "deletionTimestamp").Exists())
            return "Terminating";
        if (status.HasCondition("Suspended"))
            return "Suspended";
        if (status.HasCondition("FailureTarget"))
            return "FailureTarget";
        return status.HasCondition("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
    }

    private static string JobCompletions(JsonElement job)
    {
        var succeeded = job.At("status", "succeeded").Int();
        var completions = job.At("spec", "completions");
        if (completions.Exists())
            return $"{succeeded}/{completions.Int()}";
        var parallelism = job.At("spec", "parallelism").Int();
        return parallelism > 1 ? $"{succeeded}/1 of {parallelism}" : $"{succeeded}/1";
    }
}
