using System.Security.Cryptography;

using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Images;
using Portolan.Lab.Nodes.Logs;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>Turns a container of a pod's specification into a running one.</summary>
internal static class ContainerFactory
{
    /// <exception cref="MissingConfigurationException">A ConfigMap, Secret or key is not there.</exception>
    /// <exception cref="FormatException">The specification asks for what cannot be.</exception>
    /// <exception cref="ContainerStartException">The program did not start.</exception>
    public static async Task<(LiveContainer Container, string Id)> StartAsync(NodeContext node, PodRuntime runtime, Container container, Image image, ContainerLog log, CancellationToken cancel)
    {
        var spec = await SpecifyAsync(node, runtime, container, image, cancel).ConfigureAwait(false);
        var id = RandomNumberGenerator.GetHexString(64, lowercase: true);
        var work = Path.Combine(runtime.MemoryDirectory, "containers", id[..16]);
        Directory.CreateDirectory(work);
        var message = work + ".message";
        spec = spec with { Mounts = [.. spec.Mounts, TerminationMessage.Mount(container, message)] };
        var cgroup = new ContainerCgroup(Path.Combine(runtime.Cgroup, id[..16]));
        try
        {
            var process = await ContainerProcess.StartAsync(node.LabExecutable, spec with { WorkDirectory = work }, work + ".json", cgroup, runtime.NetworkNamespace, new ContainerOutput(log.Write, keepForFirst: container.StdinOnce == true)).ConfigureAwait(false);
            return (new LiveContainer(process, cgroup, spec.Process, log, node.LabExecutable, message), id);
        }
        catch
        {
            await cgroup.RemoveAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<ContainerSpec> SpecifyAsync(NodeContext node, PodRuntime runtime, Container container, Image image, CancellationToken cancel)
    {
        var pod = runtime.Pod;
        var address = runtime.Address!;
        var fields = new PodFields(pod, address, node.Figures);
        var hostname = PodFiles.Hostname(pod, node.Figures);
        var services = await node.Cluster.ServicesOfAsync(pod, cancel).ConfigureAwait(false);
        var environment = await PodEnvironment.BuildAsync(pod, container, image, fields, services, node.Cluster, hostname, cancel).ConfigureAwait(false);
        string Expand(string text) => Expansion.Expand(text, environment.GetValueOrDefault);
        var arguments = image.Arguments([.. (container.Command ?? []).Select(Expand)], [.. (container.Args ?? []).Select(Expand)]);
        if (arguments.Count == 0)
            throw new FormatException($"no command specified: image \"{image.Name}\" has none");

        var security = container.SecurityContext;
        var podSecurity = pod.Spec.SecurityContext;
        var user = security?.RunAsUser ?? podSecurity?.RunAsUser ?? 0;
        if (user == 0 && (security?.RunAsNonRoot ?? podSecurity?.RunAsNonRoot) == true)
            throw new FormatException("container has runAsNonRoot and image will run as root");
        List<uint> groups = [.. podSecurity?.SupplementalGroups ?? []];
        if (podSecurity?.FsGroup is { } fsGroup)
            groups.Add(fsGroup);
        var capabilities = Capabilities.Resolve(security?.Privileged == true, security?.Capabilities?.Add ?? [], security?.Capabilities?.Drop ?? []);

        return new ContainerSpec
        {
            WorkDirectory = "",
            Hostname = hostname,
            Files = PodFiles.Of(pod, address, node.Figures, MachineResolver()),
            Mounts = [.. image.Mounts, .. runtime.Volumes.MountsOf(container, Expand)],
            ReadOnlyRoot = security?.ReadOnlyRootFilesystem == true,
            WritableNetworkSettings = (capabilities & Capabilities.Of("NET_ADMIN")) != 0,
            Process = new ProcessSpec
            {
                Arguments = arguments,
                Environment = [.. environment.Select(e => $"{e.Key}={e.Value}")],
                WorkingDirectory = container.WorkingDir is { Length: > 0 } directory ? directory : image.WorkingDirectory,
                User = user,
                Group = security?.RunAsGroup ?? podSecurity?.RunAsGroup ?? 0,
                SupplementalGroups = groups,
                Capabilities = capabilities,
                Terminal = container.Tty == true,
                Stdin = container.Stdin == true,
            },
        };
    }

    private static string MachineResolver() => File.Exists("/etc/resolv.conf") ? File.ReadAllText("/etc/resolv.conf") : "";
}
