using System.Text;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>A pod's volumes as directories of the machine, and how its containers mount them.</summary>
/// <param name="pod">The pod.</param>
/// <param name="diskDirectory">For what a pod writes.</param>
/// <param name="memoryDirectory">For secrets and tokens: in memory, gone with the machine.</param>
/// <param name="hostDirectory">What <c>hostPath</c> shows: the node's own files, never the machine's.</param>
/// <param name="cluster">Where ConfigMaps, Secrets and tokens come from.</param>
internal sealed class PodVolumes(Pod pod, string diskDirectory, string memoryDirectory, string hostDirectory, ClusterObjects cluster)
{
    private readonly Dictionary<string, ContainerMount> _mounts = [];
    private readonly List<(string Path, TokenProjection Projection, int Mode, DateTimeOffset Renew)> _tokens = [];

    /// <exception cref="MissingConfigurationException">A ConfigMap, Secret or key is not there.</exception>
    /// <exception cref="FormatException">The lab has no such kind of volume, or a path leaves it.</exception>
    public async Task PrepareAsync(PodFields fields, CancellationToken cancel)
    {
        _tokens.Clear();
        foreach (var volume in pod.Spec.Volumes ?? [])
            _mounts[volume.Name] = await PrepareAsync(volume, fields, cancel).ConfigureAwait(false);
    }

    /// <exception cref="FormatException">A mount names no volume.</exception>
    public IEnumerable<ContainerMount> MountsOf(Container container) =>
        (container.VolumeMounts ?? []).OrderBy(m => m.MountPath.Length).Select(mount =>
        {
            if (!_mounts.TryGetValue(mount.Name, out var volume))
                throw new FormatException($"no volume named \"{mount.Name}\"");
            return volume with
            {
                Target = Path.GetFullPath(mount.MountPath, "/"),
                ReadOnly = volume.ReadOnly || mount.ReadOnly == true,
                SubPath = string.Join('/', new[] { volume.SubPath, mount.SubPath }.Where(p => !string.IsNullOrEmpty(p))),
                Create = volume.Create || !volume.ReadOnly,
            };
        });

    /// <summary>Writes tokens anew that have used up four fifths of their time.</summary>
    public async Task RenewTokensAsync(DateTimeOffset now, CancellationToken cancel)
    {
        for (var i = 0; i < _tokens.Count; i++)
        {
            var (path, projection, mode, renew) = _tokens[i];
            if (now < renew)
                continue;
            _tokens[i] = (path, projection, mode, await WriteTokenAsync(path, projection, mode, cancel).ConfigureAwait(false));
        }
    }

    public void Delete()
    {
        foreach (var directory in (string[])[diskDirectory, memoryDirectory])
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
    }

    private async Task<ContainerMount> PrepareAsync(Volume volume, PodFields fields, CancellationToken cancel)
    {
        var inMemory = volume.EmptyDir is null || volume.EmptyDir.Medium == "Memory";
        var directory = Path.Combine(inMemory ? memoryDirectory : diskDirectory, volume.Name);
        if (volume.HostPath is { } hostPath)
        {
            Directory.CreateDirectory(hostDirectory);
            return new ContainerMount(hostDirectory, "", ReadOnly: false, hostPath.Path, Create: hostPath.Type is null or "" or "DirectoryOrCreate");
        }
        Directory.CreateDirectory(directory);
        if (volume.EmptyDir is not null)
        {
            SystemCall.Check(NativeMethods.chmod(directory, 0x1FF), $"chmod {directory}"); // 0777, whoever the container runs as
            if (pod.Spec.SecurityContext?.FsGroup is { } group)
                SystemCall.Check(NativeMethods.chown(directory, 0, group), $"chown {directory}");
            return new ContainerMount(directory, "", ReadOnly: false);
        }
        if (volume.ConfigMap is { } map)
            await WriteConfigMapAsync(directory, map, map.DefaultMode, cancel).ConfigureAwait(false);
        else if (volume.Secret is { } secret)
            await WriteSecretAsync(directory, secret, secret.DefaultMode, cancel).ConfigureAwait(false);
        else if (volume.DownwardAPI is { } downward)
            await WriteDownwardAsync(directory, downward, downward.DefaultMode, fields, cancel).ConfigureAwait(false);
        else if (volume.Projected is { } projected)
            foreach (var source in projected.Sources ?? [])
                await WriteProjectionAsync(directory, source, projected.DefaultMode, fields, cancel).ConfigureAwait(false);
        else
            throw new FormatException($"volume \"{volume.Name}\": the lab has emptyDir, configMap, secret, downwardAPI, projected and hostPath volumes");
        return new ContainerMount(directory, "", ReadOnly: true);
    }

    private async Task WriteProjectionAsync(string directory, Projection source, int? mode, PodFields fields, CancellationToken cancel)
    {
        if (source.ConfigMap is { } map)
            await WriteConfigMapAsync(directory, map, mode, cancel).ConfigureAwait(false);
        if (source.Secret is { } secret)
            await WriteSecretAsync(directory, secret, mode, cancel).ConfigureAwait(false);
        if (source.DownwardAPI is { } downward)
            await WriteDownwardAsync(directory, downward, mode, fields, cancel).ConfigureAwait(false);
        if (source.ServiceAccountToken is { } token)
        {
            var path = Below(directory, token.Path);
            _tokens.Add((path, token, mode ?? DefaultMode, await WriteTokenAsync(path, token, mode ?? DefaultMode, cancel).ConfigureAwait(false)));
        }
    }

    private async Task<DateTimeOffset> WriteTokenAsync(string path, TokenProjection projection, int mode, CancellationToken cancel)
    {
        var (token, expires) = await cluster.TokenAsync(pod, projection, cancel).ConfigureAwait(false);
        Write(path, Encoding.ASCII.GetBytes(token), mode);
        var now = DateTimeOffset.UtcNow;
        return now + ((expires - now) * 0.8);
    }

    private async Task WriteConfigMapAsync(string directory, ItemsSource source, int? mode, CancellationToken cancel)
    {
        var values = await cluster.ConfigMapAsync(pod.Namespace, source.Name ?? "", source.Optional == true, cancel).ConfigureAwait(false);
        WriteItems(directory, source, values, mode, "configmap");
    }

    private async Task WriteSecretAsync(string directory, ItemsSource source, int? mode, CancellationToken cancel)
    {
        var values = await cluster.SecretAsync(pod.Namespace, source.SecretName ?? source.Name ?? "", source.Optional == true, cancel).ConfigureAwait(false);
        WriteItems(directory, source, values, mode, "secret");
    }

    private static void WriteItems(string directory, ItemsSource source, IReadOnlyDictionary<string, byte[]> values, int? mode, string kind)
    {
        foreach (var item in source.Items ?? [.. values.Keys.Select(key => new KeyToPath { Key = key, Path = key })])
        {
            if (values.TryGetValue(item.Key, out var value))
                Write(Below(directory, item.Path), value, item.Mode ?? mode ?? DefaultMode);
            else if (source.Optional != true)
                throw new MissingConfigurationException($"{kind} references non-existent key: {item.Key}");
        }
    }

    private static Task WriteDownwardAsync(string directory, DownwardSource source, int? mode, PodFields fields, CancellationToken cancel)
    {
        foreach (var item in source.Items ?? [])
        {
            cancel.ThrowIfCancellationRequested();
            var text = item.FieldRef is { } field ? fields.Field(field.FieldPath) : item.ResourceFieldRef is { } resource ? fields.Resource(resource, new Container()) : "";
            Write(Below(directory, item.Path), Encoding.UTF8.GetBytes(text), mode ?? DefaultMode);
        }
        return Task.CompletedTask;
    }

    private const int DefaultMode = 0x1A4; // 0644

    /// <exception cref="FormatException">The path leaves the volume.</exception>
    private static string Below(string directory, string path)
    {
        var full = Path.GetFullPath(path, directory);
        return full.StartsWith(directory + "/", StringComparison.Ordinal) ? full : throw new FormatException($"path \"{path}\" leaves its volume");
    }

    /// <summary>Whole or not at all: a container may be reading.</summary>
    private static void Write(string path, byte[] content, int mode)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + ".new";
        File.WriteAllBytes(temporary, content);
        SystemCall.Check(NativeMethods.chmod(temporary, (uint)mode), $"chmod {path}");
        File.Move(temporary, path, overwrite: true);
    }
}
