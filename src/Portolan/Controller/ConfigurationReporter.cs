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
internal sealed class ConfigurationReporter(KubeClient client, string ns, EventRecorder events, TimeProvider time, ILogger log)
{
    private const string Name = "controller";

    // Only the latest report counts.
    private readonly Channel<IReadOnlyList<ConfigurationProblem>> _reports =
        Channel.CreateBounded<IReadOnlyList<ConfigurationProblem>>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private IReadOnlyList<ConfigurationProblem>? _latest;
    private HashSet<ConfigurationProblem> _told = [];

    /// <summary>This is wrong now; called on the controller's loop.</summary>
    public void Report(IReadOnlyList<ConfigurationProblem> problems)
    {
        foreach (var problem in problems.Where(problem => !_told.Contains(problem)))
        {
            var inForce = problem.PreviousInForce ? "; the previous version stays in force" : "";
            log.LogError("configuration is invalid: {Kind} {Name}: {Message}", problem.Object.Kind, problem.Object.Name, problem.Error + inForce);
            events.Record(problem.Object, true, "ConfigurationError", problem.Error + inForce);
        }

        if (problems.Count == 0 && _told.Count > 0)
            log.LogInformation("configuration is valid again");
        _told = [.. problems];
        _reports.Writer.TryWrite(problems);
    }

    /// <summary>Writes the latest report until the stop. A failure is thrown: started again, it writes the same report.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        if (_latest is { } unfinished)
            await WriteAsync(unfinished, stop);
        await foreach (var report in _reports.Reader.ReadAllAsync(stop))
        {
            _latest = report;
            await WriteAsync(report, stop);
        }
    }

    private async Task WriteAsync(IReadOnlyList<ConfigurationProblem> problems, CancellationToken stop)
    {
        var found = await client.FindAsync(Kinds.ConfigurationStates, ns, Name, stop)
            ?? await client.CreateAsync(Kinds.ConfigurationStates, ns, New(), stop);
        var valid = problems.Count == 0;
        var summary = string.Join("\n", problems);
        var since = found.Status?.Conditions?.Find(condition => condition.Type == "poolReconcilerValid" && condition.Status == (valid ? "True" : "False"))?.LastTransitionTime ?? time.GetUtcNow();
        var condition = new JsonObject
        {
            ["type"] = "poolReconcilerValid",
            ["status"] = valid ? "True" : "False",
            ["reason"] = valid ? "Reconciled" : "ConfigurationError",
            ["message"] = summary.Length > 32768 ? summary[..32768] : summary,
            ["lastTransitionTime"] = since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
        };
        var patch = new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["result"] = valid ? "Valid" : "Invalid",
                ["errorSummary"] = valid ? null : summary,
                ["conditions"] = new JsonArray((JsonNode)condition),
            },
        };
        await client.PatchAsync(Kinds.ConfigurationStates, ns, Name, PatchKind.Merge, patch, "status", stop);
    }

    private ConfigurationState New() => new()
    {
        Metadata = new ObjectMeta { Name = Name, Namespace = ns, Labels = new Dictionary<string, string> { ["metallb.io/component-type"] = "controller" } },
    };
}
