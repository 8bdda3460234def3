using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Says where users look whether the configuration is in force: the ConfigurationState <c>controller</c>, a Warning event on each object that is wrong or does
/// less than it says, the log. The metric is read from <see cref="ControllerMetrics"/>.
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

    private readonly ConfigurationStateWriter _state =
        new(client, ns, Name, new Dictionary<string, string> { [ConfigurationStateWriter.ComponentLabel] = "controller" }, podName, time, log);

    private HashSet<ConfigurationProblem> _told = [];
    private HashSet<ConfigurationProblem> _toldNotices = [];

    /// <summary>This is so now; called on the controller's loop.</summary>
    /// <param name="problems">What is wrong, object by object.</param>
    /// <param name="notices">What does less than it says.</param>
    /// <param name="unread">The kinds that cannot be read, and why.</param>
    public void Tell(IReadOnlyList<ConfigurationProblem> problems, IReadOnlyList<ConfigurationProblem> notices, IReadOnlyDictionary<string, string> unread)
    {
        foreach (var problem in problems.Where(problem => !_told.Contains(problem)))
        {
            log.LogError("configuration is invalid: {Kind} {Name}: {Message}", problem.Object.Kind, problem.Object.Name, problem.Message);
            events.Record(problem.Object, true, "ConfigurationError", problem.Message);
        }

        if (problems.Count == 0 && _told.Count > 0)
            log.LogInformation("configuration is valid again");
        foreach (var notice in notices.Where(notice => !_toldNotices.Contains(notice)))
        {
            log.LogWarning("{Kind} {Name}: {Message}", notice.Object.Kind, notice.Object.Name, notice.Message);
            events.Record(notice.Object, true, "FieldWithoutEffect", notice.Message);
        }

        (_told, _toldNotices) = ([.. problems], [.. notices]);
        _state.Want(ConfigurationOutcome.Of(
            [.. problems.Where(IsPool).Select(problem => problem.ToString())],
            [.. problems.Where(problem => !IsPool(problem)).Select(problem => problem.ToString())],
            [.. notices.Select(notice => notice.ToString())],
            [.. unread.Values],
            unread.ContainsKey(Kinds.IPAddressPools.Plural)));
    }

    /// <inheritdoc cref="ConfigurationStateWriter.Again"/>
    public void Again() => _state.Again();

    /// <inheritdoc cref="ConfigurationStateWriter.RunAsync"/>
    public Task RunAsync(CancellationToken stop) => _state.RunAsync(stop);

    private static bool IsPool(ConfigurationProblem problem) => problem.Object.Kind == Kinds.IPAddressPools.Kind;
}
