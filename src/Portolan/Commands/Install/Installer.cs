using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>Carries out a plan: kinds first, then what uses them, then the pool; then it waits until everything runs.</summary>
internal sealed class Installer(KubeClient client, InstallPlan plan, TextWriter output, Progress progress)
{
    public async Task<int> RunAsync(CancellationToken stop)
    {
        if (plan.WithSystem && await OtherAnnouncers.FindAsync(client, plan, stop) is { } other)
        {
            await Console.Error.WriteLineAsync($"portolan install: {other}");
            return ExitCode.NotWell;
        }

        var proxies = plan.WithProxy ? await OtherProxies.FindAsync(client, stop) : [];
        if (proxies.FirstOrDefault(proxy => !plan.ReplaceKubeProxy || proxy.DaemonSet is null) is { } standing)
        {
            await Console.Error.WriteLineAsync($"portolan install: {standing.What}, and two would program the same nodes: {standing.Advice}");
            return ExitCode.NotWell;
        }

        var applier = new ManifestApplier(client, output, TimeProvider.System);
        var definitions = plan.Definitions();
        await applier.ApplyAsync(definitions, stop);
        await applier.EstablishAsync(definitions, stop);
        if (plan.Pool.Count > 0)
        {
            var pools = await client.ListAsync(Kinds.IPAddressPools, plan.Namespace, ct: stop);
            if (InstallPool.Conflict(plan.Pool, pools.Items.Select(pool => pool.ToSpec())) is { } conflict)
            {
                await Console.Error.WriteLineAsync($"portolan install: {conflict}");
                return ExitCode.NotWell;
            }
        }

        foreach (var proxy in proxies)
        {
            if (await new KubeProxyReplacement(client, output, progress, TimeProvider.System).DisableAsync(proxy.DaemonSet!, plan.Timeout ?? InstallPlan.DefaultTimeout, stop) is not { } there)
                continue;
            progress.Clear();
            await Console.Error.WriteLineAsync($"portolan install: {there}; run this again to go on, or go back with portolan install --restore-kube-proxy");
            return ExitCode.NotWell;
        }

        var workloads = plan.Workloads();
        await applier.ApplyAsync(workloads, stop);
        await applier.ApplyAsync(plan.Configuration(), stop);
        if (plan.Timeout is not { } timeout)
            return ExitCode.Done;

        var running = workloads.Where(workload => (string?)workload["kind"] is "Deployment" or "DaemonSet").ToList();
        if (await new Rollout(client, progress, TimeProvider.System).WaitAsync(running, timeout, stop) is not { } missing)
            return ExitCode.Done;
        progress.Clear();
        await Console.Error.WriteLineAsync($"portolan install: not everything runs after {timeout.TotalSeconds:0} s: {missing}");
        return ExitCode.NotWell;
    }
}
