using System.Globalization;
using System.Text;
using Portolan.Rig;

namespace Portolan.Bench.Layer2;

/// <summary>A network namespace as the only node of a cluster, wired to a client; an API server with so many Services that have addresses; room for a speaker.</summary>
internal sealed class AnnouncingNode : IDisposable
{
    public const string ClientAddress = "192.0.2.10";
    private const string NodeName = "node";
    private const string NodeAddress = "192.0.2.1";
    private const string Pool = "10.80.0.0/16";
    private const string Group = $"/apis/metallb.io/v1beta1/namespaces/{Installation.Namespace}";
    private const string NewerGroup = $"/apis/metallb.io/v1beta2/namespaces/{Installation.Namespace}";
    private const int Clients = 4;
    private const int RequestsPerClient = 8;

    private AnnouncingNode()
    {
        Server = new ServerProcess(State, Namespace);
        Api = Connect();
    }

    public ServerState State { get; } = new();

    public NetworkNamespace Namespace { get; } = new("node");

    public NetworkNamespace Client { get; } = new("client");

    public ServerProcess Server { get; }

    public ApiConnection Api { get; }

    /// <summary>Announces by ARP.</summary>
    public static (string Path, string Body)[] Layer2 { get; } = [($"{Group}/l2advertisements", """{"apiVersion":"metallb.io/v1beta1","kind":"L2Advertisement","metadata":{"name":"all"},"spec":{}}""")];

    /// <summary>Announces by BGP to AS 65002 at the client, as AS 65001.</summary>
    public static (string Path, string Body)[] Bgp { get; } =
    [
        ($"{NewerGroup}/bgppeers", $$"""{"apiVersion":"metallb.io/v1beta2","kind":"BGPPeer","metadata":{"name":"client"},"spec":{"myASN":65001,"peerASN":65002,"peerAddress":"{{ClientAddress}}"} }"""),
        ($"{Group}/bgpadvertisements", """{"apiVersion":"metallb.io/v1beta1","kind":"BGPAdvertisement","metadata":{"name":"all"},"spec":{}}"""),
    ];

    /// <summary>Starts the API server and fills it. No speaker runs yet.</summary>
    /// <param name="services">So many.</param>
    /// <param name="advertisements">How they are announced.</param>
    public static async Task<AnnouncingNode> CreateAsync(int services, (string Path, string Body)[] advertisements)
    {
        var node = new AnnouncingNode();
        try
        {
            node.Namespace.Wire("eth0", node.Client, "eth0");
            node.Namespace.Link($"addr add {NodeAddress}/24 dev eth0");
            node.Client.Link($"addr add {ClientAddress}/24 dev eth0");
            await node.Server.StartAsync(node.Api);
            await Installation.ApplyAsync(node.Api);
            await Installation.AddPoolAsync(node.Api, "pool", Pool);
            foreach (var (path, body) in advertisements)
                await node.AddAsync(path, body);
            await node.AddAsync("/api/v1/nodes", $$"""{"metadata":{"name":"{{NodeName}}"},"status":{"addresses":[{"type":"InternalIP","address":"{{NodeAddress}}"}],"conditions":[{"type":"Ready","status":"True"}]} }""");
            await node.FillAsync(services);
            return node;
        }
        catch
        {
            node.Dispose();
            throw;
        }
    }

    public SpeakerProcess Speaker() => new(State, Server.Address, Namespace, NodeName);

    /// <summary>The address of a Service.</summary>
    public static string Vip(int service) => string.Create(CultureInfo.InvariantCulture, $"10.80.{service >> 8}.{service & 255}");

    /// <summary>Grows by one with each write of anything.</summary>
    public async Task<long> RevisionAsync()
    {
        using var list = await Api.DoAsync(HttpMethod.Get, "/api/v1/namespaces?limit=1");
        return long.Parse(list.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>How many objects a list has.</summary>
    public async Task<int> ObjectsAsync(string path)
    {
        using var list = await Api.DoAsync(HttpMethod.Get, path + "?limit=1");
        return list.RootElement.GetProperty("items").GetArrayLength()
            + (list.RootElement.GetProperty("metadata").TryGetProperty("remainingItemCount", out var more) ? more.GetInt32() : 0);
    }

    public void Dispose()
    {
        Api.Dispose();
        Server.Dispose();
        State.Dispose();
        Client.Dispose();
        Namespace.Dispose();
    }

    private ApiConnection Connect() => new(State, Server.Address, Namespace);

    private async Task FillAsync(int services)
    {
        var next = -1;
        var clients = Enumerable.Range(0, Clients).Select(_ => Connect()).ToList();
        await Task.WhenAll(clients.SelectMany(client => Enumerable.Range(0, RequestsPerClient).Select(_ => AddServicesAsync(client))));
        foreach (var client in clients)
            client.Dispose();

        async Task AddServicesAsync(ApiConnection client)
        {
            for (var i = Interlocked.Increment(ref next); i < services; i = Interlocked.Increment(ref next))
            {
                await ProxyNode.AddServiceAsync(client, $"service-{i}", Vip(i));
                await ProxyNode.AddSliceAsync(client, $"service-{i}", Enumerable.Range(1, 3).Select(slot => string.Create(CultureInfo.InvariantCulture, $"10.{128 + slot}.{i >> 8}.{i & 255}")));
            }
        }
    }

    private async Task AddAsync(string path, string body)
    {
        var (code, reply) = await Api.SendAsync(HttpMethod.Post, path, body);
        if ((int)code is < 200 or > 299)
            throw new InvalidOperationException($"{path}: {(int)code} {Encoding.UTF8.GetString(reply)}");
    }
}
