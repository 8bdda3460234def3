using System.Net;
using System.Text;
using System.Text.Json;

namespace Portolan.Rig;

/// <summary>What the controller finds in a cluster it was installed into: its kinds, its namespace.</summary>
internal static class Installation
{
    public const string Namespace = "metallb-system";
    public const string Pools = $"/apis/metallb.io/v1beta1/namespaces/{Namespace}/ipaddresspools";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Creates the namespace and the kinds from <c>deploy/crds</c>.</summary>
    public static async Task ApplyAsync(ApiConnection api)
    {
        (await api.DoAsync(HttpMethod.Post, "/api/v1/namespaces", $"{{\"metadata\":{{\"name\":\"{Namespace}\"}}}}")).Dispose();
        foreach (var file in Directory.GetFiles(Path.Combine(Published.Tree, "deploy", "crds"), "*.yaml"))
            foreach (var document in (await File.ReadAllTextAsync(file)).Split("\n---"))
                if (document.Contains("kind: CustomResourceDefinition", StringComparison.Ordinal))
                    await PostAsync(api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", document, "application/yaml");
        using var limit = new CancellationTokenSource(Patience);
        while ((await api.SendAsync(HttpMethod.Get, Pools)).Code != HttpStatusCode.OK)
            await Task.Delay(5, limit.Token);
    }

    /// <summary>Creates a pool with these addresses.</summary>
    public static Task AddPoolAsync(ApiConnection api, string name, params string[] addresses) =>
        PostAsync(api, Pools, $"{{\"apiVersion\":\"metallb.io/v1beta1\",\"kind\":\"IPAddressPool\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{{\"addresses\":{JsonSerializer.Serialize(addresses)}}}}}");

    private static async Task PostAsync(ApiConnection api, string path, string body, string type = "application/json")
    {
        var (code, reply) = await api.SendAsync(HttpMethod.Post, path, body, type);
        if (code != HttpStatusCode.Created)
            throw new InvalidOperationException($"{path}: {(int)code} {Encoding.UTF8.GetString(reply)}");
    }
}
