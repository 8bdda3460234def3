using System.CommandLine;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Hollow;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Makes a small lab look like a big cluster: objects and heartbeats, no processes.</summary>
internal static class HollowCommand
{
    public static Command Create()
    {
        var name = LabOptions.Name();
        var nodes = Number("--nodes", "How many hollow nodes, beside the lab's real ones.", HollowCluster.MaximumNodes);
        var services = Number("--services", "How many hollow Services.", HollowCluster.MaximumServices);
        var endpoints = new Option<int>("--endpoints") { Description = "How many endpoints each of them has.", DefaultValueFactory = _ => 3 };
        endpoints.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > HollowCluster.MaximumEndpoints)
                result.AddError($"--endpoints: from 1 to {HollowCluster.MaximumEndpoints}");
        });
        var type = new Option<string>("--type") { Description = "Of the Services.", DefaultValueFactory = _ => "ClusterIP" };
        type.AcceptOnlyFromAmong("ClusterIP", "NodePort", "LoadBalancer");
        var command = new Command("hollow", "Bring the lab to a number of hollow nodes and Services; 0 removes them, what is not given stays as it is.") { name, nodes, services, endpoints, type };
        command.SetAction(async (parsed, cancel) =>
        {
            var layout = new LabLayout(parsed.GetValue(name)!);
            if (LabSpec.Read(layout) is null)
                throw new LabException($"there is no lab '{layout.Name}': portolan lab up makes one");
            using var client = new KubeClient(ClusterConnection.Load(layout.Kubeconfig("admin")));
            var progress = Progress.OnStandardError(silent: false);
            var load = new HollowLoad(client, progress.Now);
            var (nodesNow, servicesNow) = await load.CountAsync(cancel).ConfigureAwait(false);
            var size = new HollowSize(parsed.GetValue(nodes) ?? nodesNow, parsed.GetValue(services) ?? servicesNow, parsed.GetValue(endpoints), parsed.GetValue(type)!);
            if (size is { Services: > 0, Nodes: 0 })
                throw new LabException("hollow Services need hollow nodes for their endpoints: give --nodes", CommandLine.WrongUsage);
            await load.ApplyAsync(size, cancel).ConfigureAwait(false);
            progress.Done($"{size.Nodes} hollow nodes, {size.Services} hollow Services{(size.Services == 0 ? "" : $" with {size.Endpoints} endpoints each")}");
            return CommandLine.Done;
        });
        return command;
    }

    private static Option<int?> Number(string name, string description, int most)
    {
        var option = new Option<int?>(name) { Description = description };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0 || result.GetValueOrDefault<int?>() > most)
                result.AddError($"{name}: from 0 to {most}");
        });
        return option;
    }
}
