using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Says where users look whether the configuration is in force: the ConfigurationState <c>controller</c>, a Warning event on each wrong
/// object, the log. The metric is read from <see cref="ControllerMetrics"/>.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="ns">The namespace of the configuration.</param>
/// <param name="podName">Our own Pod, which owns the ConfigurationState; empty outside of a cluster.</param>
/// <param name="events">Takes the events.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told of every problem once.</param>
internal sealed class ConfigurationReporter(KubeClient client, string ns, string podName, EventRecorder events, TimeProvider time, ILogger log)
{
    /// <summary>The ConfigurationState's name.</summary>
    public const string Name = "controller";

    // An object is read by people, and stored by etcd.
    private const int LongestSummary = 8192;

    // Only the latest report counts.
    private readonly Channel<Report?> _reports = Channel.CreateBounded<Report?>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private volatile Report? _latest;
    private Report? _written;
    private HashSet<ConfigurationProblem> _told = [];
    private JsonArray? _owners;
    private bool _kindMissing;

    /// <summary>This is wrong now; called on the controller's loop.</summary>
    /// <param name="problems">Object by object.</param>
    /// <param name="unread">The kinds that cannot be read, and why.</param>
    public void Tell(IReadOnlyList<ConfigurationProblem> problems, IReadOnlyDictionary<string, string> unread)
    {
        foreach (var problem in problems.Where(problem => !_told.Contains(problem)))
        {
            log.LogError("configuration is invalid: {Kind} {Name}: {Message}", problem.Object.Kind, problem.Object.Name, problem.Message);
            events.Record(problem.Object, true, "ConfigurationError", problem.Message);
        }

        if (problems.Count == 0 && _told.Count > 0)
            log.LogInformation("configuration is valid again");
        _told = [.. problems];
        _latest = Report.Of(problems, unread);
        _reports.Writer.TryWrite(_latest);
    }

    /// <summary>Somebody deleted the ConfigurationState: it is written anew.</summary>
    public void Again() => _reports.Writer.TryWrite(null);

    /// <summary>Writes the latest report until the stop. A failure is thrown: started again, it writes the same report.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        _written = null;
        if (_latest is { } unfinished)
            await WriteAsync(unfinished, stop);
        await foreach (var report in _reports.Reader.ReadAllAsync(stop))
        {
            if (report is null)
                _written = null;
            if ((report ?? _latest) is { } wanted && wanted != _written)
                await WriteAsync(wanted, stop);
        }
    }

    private async Task WriteAsync(Report report, CancellationToken stop)
    {
        try
        {
            var found = await client.PatchAsync(Kinds.ConfigurationStates, ns, Name, PatchKind.Apply, await ObjectAsync(stop), ct: stop);
            var conditions = found.Status?.Conditions ?? [];
            var status = new JsonObject
            {
                ["result"] = report.Result,
                ["conditions"] = new JsonArray(Condition("poolReconcilerValid", report.Pools, conditions), Condition("configReconcilerValid", report.Others, conditions)),
            };
            if (report.Summary.Length > 0)
                status["errorSummary"] = report.Summary;
            await client.PatchAsync(Kinds.ConfigurationStates, ns, Name, PatchKind.Apply, Envelope(status), "status", stop);
            (_written, _kindMissing) = (report, false);
        }
        catch (KubeApiException missing) when (missing.IsNotFound)
        {
            // MetalLB has the kind since 0.15.3. Where it is not there, events and the log say as much.
            if (!_kindMissing)
                log.LogWarning("the outcome of the configuration cannot be written into a ConfigurationState: {Reason}", missing.Message);
            _kindMissing = true;
        }
    }

    private async Task<JsonObject> ObjectAsync(CancellationToken stop)
    {
        _owners ??= await OwnersAsync(stop);
        var applied = Envelope(null);
        applied["metadata"]!["labels"] = new JsonObject { ["metallb.io/component-type"] = "controller" };
        if (_owners.Count > 0)
            applied["metadata"]!["ownerReferences"] = _owners.DeepClone();
        return applied;
    }

    private JsonObject Envelope(JsonObject? status)
    {
        var applied = new JsonObject
        {
            ["apiVersion"] = Kinds.ConfigurationStates.ApiVersion,
            ["kind"] = Kinds.ConfigurationStates.Kind,
            ["metadata"] = new JsonObject { ["name"] = Name, ["namespace"] = ns },
        };
        if (status is not null)
            applied["status"] = status;
        return applied;
    }

    // The pod's end is the report's end, by garbage collection.
    private async Task<JsonArray> OwnersAsync(CancellationToken stop)
    {
        try
        {
            return podName.Length > 0 && await client.FindAsync(Kinds.Pods, ns, podName, stop) is { } pod
                ? new JsonArray(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = podName, ["uid"] = pod.Metadata.Uid })
                : [];
        }
        catch (KubeApiException refused) when (refused.StatusCode is System.Net.HttpStatusCode.Forbidden)
        {
            log.LogInformation("the ConfigurationState has no owner: {Reason}", refused.Message);
            return [];
        }
    }

    private JsonObject Condition(string type, Verdict verdict, List<Condition> known)
    {
        var since = known.Find(condition => condition.Type == type && condition.Status == verdict.Status)?.LastTransitionTime ?? time.GetUtcNow();
        return new JsonObject
        {
            ["type"] = type,
            ["status"] = verdict.Status,
            ["reason"] = verdict.Reason,
            ["message"] = verdict.Message,
            ["lastTransitionTime"] = since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
        };
    }

    /// <summary>What one condition says.</summary>
    private sealed record Verdict(string Status, string Reason, string Message)
    {
        public static Verdict Of(IEnumerable<string> problems, IReadOnlyCollection<string> unread)
        {
            var message = Joined(problems);
            return message.Length > 0 ? new Verdict("False", "ConfigurationError", message)
                : unread.Count > 0 ? new Verdict("Unknown", "InfraError", Joined(unread))
                : new Verdict("True", "Reconciled", "");
        }
    }

    /// <summary>What is to be written.</summary>
    private sealed record Report(string Result, string Summary, Verdict Pools, Verdict Others)
    {
        public static Report Of(IReadOnlyList<ConfigurationProblem> problems, IReadOnlyDictionary<string, string> unread)
        {
            var missing = unread.Values.ToList();
            var pools = Verdict.Of(problems.Where(IsPool).Select(problem => problem.ToString()), unread.ContainsKey(Kinds.IPAddressPools.Plural) ? missing : []);
            var others = Verdict.Of(problems.Where(problem => !IsPool(problem)).Select(problem => problem.ToString()), missing);
            var result = problems.Count > 0 ? "Invalid" : missing.Count > 0 ? "Unknown" : "Valid";
            return new Report(result, Joined(problems.Select(problem => problem.ToString()).Concat(missing)), pools, others);
        }

        private static bool IsPool(ConfigurationProblem problem) => problem.Object.Kind == Kinds.IPAddressPools.Kind;
    }

    // A line each, as many as have room.
    private static string Joined(IEnumerable<string> lines)
    {
        var text = new StringBuilder();
        var left = 0;
        foreach (var line in lines)
        {
            if (left > 0 || text.Length + line.Length > LongestSummary)
                left++;
            else
                text.Append(text.Length > 0 ? "\n" : "").Append(line);
        }

        return left > 0 ? text.Append($"\nand {left} more").ToString().TrimStart('\n') : text.ToString();
    }
}
