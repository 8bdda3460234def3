using System.CommandLine;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Commands;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Workloads;

/// <summary>What kube-controller-manager and kube-scheduler are on a real cluster.</summary>
internal static class ControllersCommand
{
    public static Command Create()
    {
        var kubeconfig = new Option<string>("--kubeconfig") { Description = "How to reach the API server.", Required = true };
        var grace = new Option<double>("--node-monitor-grace-period") { Description = "Seconds without a renewed lease after which a node is not Ready.", DefaultValueFactory = _ => 40 };
        var eviction = new Option<double>("--pod-eviction-timeout") { Description = "Seconds after which pods that say nothing leave a node that is not Ready.", DefaultValueFactory = _ => 300 };
        var command = new Command("controllers", "Run the cluster's controllers and scheduler.") { kubeconfig, grace, eviction };
        command.SetAction(async (parsed, cancel) =>
        {
            using var loggers = LabLogging.ToConsole();
            var connection = ClusterConnection.Load(parsed.GetValue(kubeconfig));
            using var client = new KubeClient(connection);
            var authority = string.Concat(connection.Authorities.Select(c => c.ExportCertificatePem() + "\n"));
            var loop = new ControlLoop(client, TimeProvider.System, loggers.CreateLogger("controllers"), (cache, writer) => ControllerSet.Of(cache, writer, authority, TimeSpan.FromSeconds(parsed.GetValue(grace)), TimeSpan.FromSeconds(parsed.GetValue(eviction))));
            try
            {
                await loop.RunAsync(cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
            }
            return CommandLine.Done;
        });
        return command;
    }
}
