using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>A pod's volumes as directories of the machine, and how its containers mount them.</summary>
/// <param name="pod">The pod.</param>
/// <param name="diskDirectory">For what a pod writes.</param>
/// <param name="memoryDirectory">For secrets and tokens: in memory, gone with the machine.</param>
/// <param name="hostDirectory">What <c>hostPath</c> shows: the node's own files, never the machine's.</param>
/// <param name="cluster">Where ConfigMaps, Secrets and tokens come from.</param>
/// <param name="time">The clock.</param>
internal sealed class PodVolumes(Pod pod, string diskDirectory, string memoryDirectory, string hostDirectory, ClusterObjects cluster, TimeProvider time)
{
    private readonly Dictionary<string, ContainerMount> _mounts = [];
    private readonly Dictionary<string, Dictionary<string, VolumeFile>> _written = [];
    private readonly VolumeContent _content = new(pod, cluster, time);

    private IEnumerable<Volume> Volumes => pod.Spec.Volumes ?? [];

    /// <summary>When a token is to be written anew; null without tokens.</summary>
    public DateTimeOffset? NextRenewal => _content.NextRenewal;

    /// <exception cref="MissingConfigurationException">A ConfigMap, Secret or key is not there.</exception>
    /// <exception cref="FormatException">The lab has no such kind of volume, or a path leaves it.</exception>
    public async Task PrepareAsync(PodFields fields, CancellationToken cancel)
    {
        foreach (var volume in Volumes)
            _mounts[volume.Name] = await PrepareAsync(volume, fields, cancel).ConfigureAwait(false);
    }

    /// <summary>Brings the volumes that are made of API objects up to date.</summary>
    /// <exception cref="MissingConfigurationException">A ConfigMap, Secret or key is no longer there; the files stay as they were.</exception>
    public async Task RefreshAsync(PodFields fields, CancellationToken cancel)
    {
        foreach (var volume in Volumes)
            if (_written.ContainsKey(volume.Name) && await _content.RenderAsync(volume, fields, cancel).ConfigureAwait(false) is { } files)
                WriteIfChanged(volume, files);
    }

    /// <summary>Calls back whenever a ConfigMap or Secret of the volumes changes, until disposed.</summary>
    public IReadOnlyList<IDisposable> Follow(Action changed) =>
        [.. Volumes.SelectMany(VolumeContent.References).Distinct().Where(r => r.IsSecret || r.Name != ClusterObjects.RootAuthority).Select(r => cluster.Follow(r.IsSecret, pod.Namespace, r.Name, changed))];

    /// <param name="container">Whose mounts.</param>
    /// <param name="expand">Resolves <c>$(NAME)</c> of <c>subPathExpr</c> by the container's environment.</param>
    /// <exception cref="FormatException">A mount names no volume.</exception>
    public IEnumerable<ContainerMount> MountsOf(Container container, Func<string, string> expand) =>
        (container.VolumeMounts ?? []).OrderBy(m => m.MountPath.Length).Select(mount =>
        {
            if (!_mounts.TryGetValue(mount.Name, out var volume))
                throw new FormatException($"no volume named \"{mount.Name}\"");
            var subPath = mount.SubPathExpr is { Length: > 0 } expression ? expand(expression) : mount.SubPath;
            return volume with
            {
                Target = Path.GetFullPath(mount.MountPath, "/"),
                ReadOnly = volume.ReadOnly || mount.ReadOnly == true,
                SubPath = string.Join('/', new[] { volume.SubPath, subPath }.Where(p => !string.IsNullOrEmpty(p))),
                Create = volume.Create || !volume.ReadOnly,
            };
        });

    public void Delete()
    {
        foreach (var directory in (string[])[diskDirectory, memoryDirectory])
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
    }

    private async Task<ContainerMount> PrepareAsync(Volume volume, PodFields fields, CancellationToken cancel)
    {
        if (volume.HostPath is { } hostPath)
        {
            Directory.CreateDirectory(hostDirectory);
            return new ContainerMount(hostDirectory, "", ReadOnly: false, hostPath.Path, Create: hostPath.Type is null or "" or "DirectoryOrCreate");
        }
        var directory = DirectoryOf(volume);
        Directory.CreateDirectory(directory);
        if (volume.EmptyDir is not null)
        {
            SystemCall.Check(NativeMethods.chmod(directory, 0x1FF), $"chmod {directory}"); // 0777, whoever the container runs as
            if (pod.Spec.SecurityContext?.FsGroup is { } group)
            {
                SystemCall.Check(NativeMethods.chown(directory, 0, group), $"chown {directory}");
                SystemCall.Check(NativeMethods.chmod(directory, 0x5FF), $"chmod {directory}"); // setgid: what is made below is the group's, too
            }
            return new ContainerMount(directory, "", ReadOnly: false);
        }
        WriteIfChanged(volume, await _content.RenderAsync(volume, fields, cancel).ConfigureAwait(false)
            ?? throw new FormatException($"volume \"{volume.Name}\": the lab has emptyDir, configMap, secret, downwardAPI, projected and hostPath volumes"));
        return new ContainerMount(directory, "", ReadOnly: true);
    }

    private void WriteIfChanged(Volume volume, Dictionary<string, VolumeFile> files)
    {
        if (_written.TryGetValue(volume.Name, out var before) && before.Count == files.Count
            && files.All(f => before.TryGetValue(f.Key, out var old) && old.Mode == f.Value.Mode && old.Content.AsSpan().SequenceEqual(f.Value.Content)))
            return;
        AtomicDirectory.Write(DirectoryOf(volume), files, pod.Spec.SecurityContext?.FsGroup, time.GetUtcNow());
        _written[volume.Name] = files;
    }

    private string DirectoryOf(Volume volume) => Path.Combine(volume.EmptyDir is null || volume.EmptyDir.Medium == "Memory" ? memoryDirectory : diskDirectory, volume.Name);
}
