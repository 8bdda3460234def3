using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Commands;
using Portolan.Kubernetes.Client;

namespace Portolan.Hosting;

/// <summary>
/// What every role stands on: logs, metrics, health, and supervised tasks. A task that fails is seen (logged, counted) and started again
/// after a pause; it never takes the others down with it, and an orderly stop waits for each a bounded time.
/// </summary>
internal sealed class RoleHost : IDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CalmAfter = TimeSpan.FromMinutes(1);
    private readonly List<(string Name, Func<CancellationToken, Task> Work)> _tasks = [];
    private readonly string _role;
    private readonly JsonLineLogs _logs;
    private readonly MetricsExposition _exposition;
    private readonly ILogger _log;
    private readonly Counter<long> _failures;

    /// <param name="role">The command's name: controller, speaker, proxy.</param>
    /// <param name="minimum">The least severe level that is written to standard output.</param>
    /// <param name="healthAddresses">Where <c>/healthz</c>, <c>/readyz</c> and <c>/metrics</c> are served.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="probesOnly">Where <c>/healthz</c> and <c>/readyz</c> are served without the metrics; null: nowhere.</param>
    public RoleHost(string role, LogLevel minimum, IReadOnlyList<IPEndPoint> healthAddresses, TimeProvider? time = null, IPEndPoint? probesOnly = null)
    {
        _role = role;
        Time = time ?? TimeProvider.System;
        _logs = new JsonLineLogs(Console.OpenStandardOutput(), minimum, Time);
        _log = _logs.CreateLogger(role);
        Meter = new Meter("portolan." + role);
        _exposition = new MetricsExposition(Meter);
        _failures = Meter.CreateCounter<long>("portolan_task_failures_total", description: "Failures of a supervised task, each followed by a retry.");
        ProcessMetrics.AddTo(Meter);
        Supervise("health", new HealthServer(healthAddresses, probesOnly, Readiness, _exposition).RunAsync);
    }

    public ILoggerFactory Logs => _logs;

    /// <summary>The role's instruments; the names are the Prometheus names.</summary>
    public Meter Meter { get; }

    public Readiness Readiness { get; } = new();

    public TimeProvider Time { get; }

    /// <summary>The current page of <c>/metrics</c>.</summary>
    public string RenderMetrics() => _exposition.Render();

    /// <summary>Adds a task that runs from <see cref="RunAsync"/> until the stop. Returning before that means it is finished; failing means again.</summary>
    public void Supervise(string name, Func<CancellationToken, Task> work) => _tasks.Add((name, work));

    /// <summary>Runs every supervised task until the stop is asked for.</summary>
    /// <returns><see cref="ExitCode.Done"/>, or <see cref="ExitCode.NotWell"/> when a task ignored the stop.</returns>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        _log.LogInformation("starting {Role} {Version}", _role, VersionCommand.Version);
        var running = _tasks.ConvertAll(task => (task.Name, Run: Task.Run(() => KeepRunningAsync(task.Name, task.Work, stop), CancellationToken.None)));
        var all = Task.WhenAll(running.Select(task => task.Run));
        await Task.WhenAny(all, Task.Delay(Timeout.InfiniteTimeSpan, stop));
        try
        {
            await all.WaitAsync(StopPatience, CancellationToken.None);
            _log.LogInformation("stopped");
            return ExitCode.Done;
        }
        catch (TimeoutException)
        {
            _log.LogError("not stopped in time: {Tasks}", string.Join(", ", running.Where(task => !task.Run.IsCompleted).Select(task => task.Name)));
            return ExitCode.NotWell;
        }
    }

    public void Dispose()
    {
        _exposition.Dispose();
        Meter.Dispose();
        _logs.Dispose();
    }

    private async Task KeepRunningAsync(string name, Func<CancellationToken, Task> work, CancellationToken stop)
    {
        var pauses = new BackOff(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(30));
        while (!stop.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                await work(stop);
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // The loop's top: whatever it was, it must be seen and must not end the role.
                if (Stopwatch.GetElapsedTime(started) > CalmAfter)
                    pauses.Reset();
                var pause = pauses.Next();
                _failures.Add(1, new KeyValuePair<string, object?>("task", name));

                // A server that is away is weather; anything else is a fault of ours and deserves its stack.
                var level = failure is HttpRequestException or IOException or KubeApiException ? LogLevel.Warning : LogLevel.Error;
                _log.Log(level, failure, "{Task} failed; again in {PauseMs} ms", name, (long)pause.TotalMilliseconds);
                await Task.Delay(pause, Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
