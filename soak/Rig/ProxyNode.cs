using System.Text;

namespace Portolan.Rig;

/// <summary>A network namespace as a node: an API server that knows it, and room for a proxy.</summary>
internal sealed class ProxyNode : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private ProxyNode()
    {
        Namespace = new NetworkNamespace("node");
        Server = new ServerProcess(State, Namespace);
        Api = Connect();
    }

    public ServerState State { get; } = new();

    public NetworkNamespace Namespace { get; }

    public ServerProcess Server { get; }

    public ApiConnection Api { get; }

    /// <summary>Starts the API server. No proxy runs yet.</summary>
    public static async Task<ProxyNode> CreateAsync()
    {
        var node = new ProxyNode();
        try
        {
            await node.Server.StartAsync(node.Api);
            (await node.Api.DoAsync(HttpMethod.Post, "/api/v1/nodes", $"{{\"metadata\":{{\"name\":\"{ProxyProcess.NodeName}\"}}}}")).Dispose();
            return node;
        }
        catch
        {
            node.Dispose();
            throw;
        }
    }

    public ApiConnection Connect() => new(State, Server.Address, Namespace);

    public ProxyProcess Proxy(string name = "proxy") => new(State, Server.Address, Namespace, name);

    /// <summary>A Service of type LoadBalancer with an address, without selector; node ports where asked for.</summary>
    /// <returns>Its ClusterIP.</returns>
    public static async Task<string> AddServiceAsync(ApiConnection api, string name, string vip, int nodePort = 0, string policy = "Cluster")
    {
        var path = "/api/v1/namespaces/default/services";
        using var service = await api.DoAsync(HttpMethod.Post, path, $$"""
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"{{name}}"},"spec":{"type":"LoadBalancer","externalTrafficPolicy":"{{policy}}","allocateLoadBalancerNodePorts":{{(nodePort != 0 ? "true" : "false")}},
             "ports":[{"name":"main","port":80,"targetPort":8080,"protocol":"TCP","nodePort":{{nodePort}} }]} }
            """);
        var (code, reply) = await api.SendAsync(HttpMethod.Patch, $"{path}/{name}/status", $$"""{"status":{"loadBalancer":{"ingress":[{"ip":"{{vip}}"}]} } }""", "application/merge-patch+json");
        return (int)code is >= 200 and < 300
            ? service.RootElement.GetProperty("spec").GetProperty("clusterIP").GetString()!
            : throw new InvalidOperationException($"{name}: {(int)code} {Encoding.UTF8.GetString(reply)}");
    }

    /// <summary>The slice of a Service, with these endpoints at port 8080, every one of them ready and on this node.</summary>
    public static string Slice(string service, IEnumerable<string> addresses) => $$"""
        {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"{{service}}-1","namespace":"default","labels":{"kubernetes.io/service-name":"{{service}}"} },"addressType":"IPv4",
         "endpoints":[{{string.Join(',', addresses.Select(Endpoint))}}],
         "ports":[{"name":"main","port":8080,"protocol":"TCP"}]}
        """;

    private static string Endpoint(string address) => $$"""
        {"addresses":["{{address}}"],"nodeName":"{{ProxyProcess.NodeName}}","conditions":{"ready":true,"serving":true,"terminating":false} }
        """;

    public static Task AddSliceAsync(ApiConnection api, string service, IEnumerable<string> addresses) => SendAsync(api, HttpMethod.Post, "", service, addresses);

    public static Task SetSliceAsync(ApiConnection api, string service, IEnumerable<string> addresses) => SendAsync(api, HttpMethod.Put, $"/{service}-1", service, addresses);

    /// <summary>Waits until the kernel forwards to an address.</summary>
    /// <exception cref="InvalidOperationException">It does not in a minute.</exception>
    public async Task ForwardsAsync(string address)
    {
        for (var waited = TimeSpan.Zero; waited < Patience; waited += TimeSpan.FromMilliseconds(200))
        {
            if ((await Command.RunAsync($"ip netns exec {Namespace.Name} nft list map ip portolan fronts")).Output.Contains($" {address} . tcp . 80 ", StringComparison.Ordinal))
                return;
            await Task.Delay(200);
        }

        throw new InvalidOperationException($"the proxy does not forward {address}: {await File.ReadAllTextAsync(State.File("proxy.log"))}");
    }

    public void Dispose()
    {
        Api.Dispose();
        Server.Dispose();
        State.Dispose();
        Namespace.Dispose();
    }

    private static async Task SendAsync(ApiConnection api, HttpMethod method, string path, string service, IEnumerable<string> addresses) =>
        (await api.DoAsync(method, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices" + path, Slice(service, addresses))).Dispose();
}
