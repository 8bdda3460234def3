using System.Text;

using Portolan.Kubernetes.Resources;
using Portolan.Lab.Nodes.Images;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>A container's environment: the image's, then the Services', then its own, later ones replacing earlier ones.</summary>
internal static class PodEnvironment
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <exception cref="MissingConfigurationException">A ConfigMap, Secret or key is not there.</exception>
    /// <exception cref="FormatException">A field reference names no field.</exception>
    public static async Task<Dictionary<string, string>> BuildAsync(Pod pod, Container container, Image image, PodFields fields, IReadOnlyList<Service> services, ClusterObjects cluster, string hostname, CancellationToken cancel)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = DefaultPath, ["HOSTNAME"] = hostname, ["HOME"] = "/root" };
        if (container.Tty == true)
            environment["TERM"] = "xterm";
        foreach (var (name, value) in image.Environment)
            environment[name] = value;
        foreach (var (name, value) in ServiceLinks.Of(services))
            environment[name] = value;

        foreach (var source in container.EnvFrom ?? [])
        {
            var values = source.ConfigMapRef is { } map
                ? await cluster.ConfigMapAsync(pod.Namespace, map.Name ?? "", map.Optional == true, cancel).ConfigureAwait(false)
                : source.SecretRef is { } secret ? await cluster.SecretAsync(pod.Namespace, secret.Name ?? "", secret.Optional == true, cancel).ConfigureAwait(false)
                : new Dictionary<string, byte[]>();
            foreach (var (key, value) in values)
                environment[source.Prefix + key] = Encoding.UTF8.GetString(value);
        }
        foreach (var variable in container.Env ?? [])
        {
            if (await ValueAsync(variable).ConfigureAwait(false) is { } value)
                environment[variable.Name] = value;
        }
        return environment;

        async Task<string?> ValueAsync(EnvVar variable)
        {
            if (variable.ValueFrom is not { } from)
                return Expansion.Expand(variable.Value ?? "", environment.GetValueOrDefault);
            if (from.FieldRef is { } field)
                return fields.Field(field.FieldPath);
            if (from.ResourceFieldRef is { } resource)
                return fields.Resource(resource, container);
            if (from.ConfigMapKeyRef is { } map)
                return Key(await cluster.ConfigMapAsync(pod.Namespace, map.Name ?? "", map.Optional == true, cancel).ConfigureAwait(false), map, "configmap");
            if (from.SecretKeyRef is { } secret)
                return Key(await cluster.SecretAsync(pod.Namespace, secret.Name ?? "", secret.Optional == true, cancel).ConfigureAwait(false), secret, "secret");
            return null;
        }
    }

    private static string? Key(IReadOnlyDictionary<string, byte[]> values, KeyRef reference, string kind) =>
        values.TryGetValue(reference.Key, out var value) ? Encoding.UTF8.GetString(value)
        : reference.Optional == true ? null
        : throw new MissingConfigurationException($"couldn't find key {reference.Key} in {kind} {reference.Name}");
}
