using System.Text.Json.Nodes;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <summary>Which kinds the server serves, custom ones included.</summary>
internal static class Discovery
{
    /// <summary>Every kind, in its group's preferred version, that can be listed and deleted.</summary>
    public static async Task<IReadOnlyList<ResourceType<UntypedObject>>> DeletableAsync(KubeClient client, CancellationToken cancel)
    {
        var found = new List<ResourceType<UntypedObject>>();
        Add(found, "", "v1", await client.RequestAsync(HttpMethod.Get, "api/v1", null, cancel).ConfigureAwait(false));
        var groups = await client.RequestAsync(HttpMethod.Get, "apis", null, cancel).ConfigureAwait(false);
        foreach (var group in groups.Objects("groups"))
        {
            var (name, version) = (group.Text("name")!, group.Text("preferredVersion", "version")!);
            Add(found, name, version, await client.RequestAsync(HttpMethod.Get, $"apis/{name}/{version}", null, cancel).ConfigureAwait(false));
        }
        return found;
    }

    private static void Add(List<ResourceType<UntypedObject>> found, string group, string version, JsonNode? resources)
    {
        foreach (var resource in resources.Objects("resources"))
        {
            var verbs = resource.Texts("verbs").ToHashSet(StringComparer.Ordinal);
            if (!resource.Text("name")!.Contains('/') && verbs.Contains("delete") && verbs.Contains("list"))
                found.Add(ResourceType.Untyped(group, version, resource.Text("name")!, resource.Text("kind")!, resource.Flag("namespaced")));
        }
    }
}
