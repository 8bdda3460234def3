using System.Text;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>The files of a pod's configMap, secret, downwardAPI and projected volumes, as the API's objects are now.</summary>
/// <param name="pod">The pod.</param>
/// <param name="cluster">Where ConfigMaps, Secrets and tokens come from.</param>
/// <param name="time">Tells when a token is to be renewed.</param>
internal sealed class VolumeContent(Pod pod, ClusterObjects cluster, TimeProvider time)
{
    private const int DefaultMode = 0x1A4; // 0644
    private readonly Dictionary<(string Volume, string Path), (byte[] Token, DateTimeOffset Renew)> _tokens = [];

    /// <summary>When the first token has used up four fifths of its time; null without tokens.</summary>
    public DateTimeOffset? NextRenewal => _tokens.Count == 0 ? null : _tokens.Values.Min(t => t.Renew);

    /// <summary>The ConfigMaps and Secrets that volumes are made of.</summary>
    public static IEnumerable<(bool IsSecret, string Name)> References(Volume volume)
    {
        if (volume.ConfigMap?.Name is { } map)
            yield return (false, map);
        if (volume.Secret is { } secret)
            yield return (true, secret.SecretName ?? secret.Name ?? "");
        foreach (var source in volume.Projected?.Sources ?? [])
        {
            if (source.ConfigMap?.Name is { } projectedMap)
                yield return (false, projectedMap);
            if (source.Secret?.Name is { } projectedSecret)
                yield return (true, projectedSecret);
        }
    }

    /// <returns>By path; null for a volume that is not made of files.</returns>
    /// <exception cref="MissingConfigurationException">A ConfigMap, Secret or key is not there.</exception>
    public async Task<Dictionary<string, VolumeFile>?> RenderAsync(Volume volume, PodFields fields, CancellationToken cancel)
    {
        var files = new Dictionary<string, VolumeFile>(StringComparer.Ordinal);
        if (volume.ConfigMap is { } map)
            await AddConfigMapAsync(files, map, map.DefaultMode, cancel).ConfigureAwait(false);
        else if (volume.Secret is { } secret)
            await AddSecretAsync(files, secret, secret.DefaultMode, cancel).ConfigureAwait(false);
        else if (volume.DownwardAPI is { } downward)
            AddFields(files, downward, downward.DefaultMode, fields);
        else if (volume.Projected is { } projected)
        {
            foreach (var source in projected.Sources ?? [])
            {
                if (source.ConfigMap is { } projectedMap)
                    await AddConfigMapAsync(files, projectedMap, projected.DefaultMode, cancel).ConfigureAwait(false);
                if (source.Secret is { } projectedSecret)
                    await AddSecretAsync(files, projectedSecret, projected.DefaultMode, cancel).ConfigureAwait(false);
                if (source.DownwardAPI is { } projectedFields)
                    AddFields(files, projectedFields, projected.DefaultMode, fields);
                if (source.ServiceAccountToken is { } token)
                    files[token.Path] = new VolumeFile(await TokenAsync(volume.Name, token, cancel).ConfigureAwait(false), projected.DefaultMode ?? DefaultMode);
            }
        }
        else
        {
            return null;
        }
        return files;
    }

    private async Task<byte[]> TokenAsync(string volume, TokenProjection projection, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (_tokens.TryGetValue((volume, projection.Path), out var known) && now < known.Renew)
            return known.Token;
        var (token, expires) = await cluster.TokenAsync(pod, projection, cancel).ConfigureAwait(false);
        var bytes = Encoding.ASCII.GetBytes(token);
        _tokens[(volume, projection.Path)] = (bytes, now + ((expires - now) * 0.8));
        return bytes;
    }

    private async Task AddConfigMapAsync(Dictionary<string, VolumeFile> files, ItemsSource source, int? mode, CancellationToken cancel) =>
        AddItems(files, source, await cluster.ConfigMapAsync(pod.Namespace, source.Name ?? "", source.Optional == true, cancel).ConfigureAwait(false), mode, "configmap");

    private async Task AddSecretAsync(Dictionary<string, VolumeFile> files, ItemsSource source, int? mode, CancellationToken cancel) =>
        AddItems(files, source, await cluster.SecretAsync(pod.Namespace, source.SecretName ?? source.Name ?? "", source.Optional == true, cancel).ConfigureAwait(false), mode, "secret");

    private static void AddItems(Dictionary<string, VolumeFile> files, ItemsSource source, IReadOnlyDictionary<string, byte[]> values, int? mode, string kind)
    {
        foreach (var item in source.Items ?? [.. values.Keys.Select(key => new KeyToPath { Key = key, Path = key })])
        {
            if (values.TryGetValue(item.Key, out var value))
                files[item.Path] = new VolumeFile(value, item.Mode ?? mode ?? DefaultMode);
            else if (source.Optional != true)
                throw new MissingConfigurationException($"{kind} references non-existent key: {item.Key}");
        }
    }

    private static void AddFields(Dictionary<string, VolumeFile> files, DownwardSource source, int? mode, PodFields fields)
    {
        foreach (var item in source.Items ?? [])
        {
            var text = item.FieldRef is { } field ? fields.Field(field.FieldPath) : item.ResourceFieldRef is { } resource ? fields.Resource(resource, new Container()) : "";
            files[item.Path] = new VolumeFile(Encoding.UTF8.GetBytes(text), item.Mode ?? mode ?? DefaultMode);
        }
    }
}
