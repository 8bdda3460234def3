using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bench.Proxy.Programming;
using Portolan.Proxy.Accounting;
using Portolan.Rig;

namespace Portolan.Bench.Proxy.Packets;

/// <summary>
/// client ── 192.0.2.1 node ── pod: every endpoint's address is behind one wire. The node holds our table and the peer's, of which one sleeps
/// (flag <c>dormant</c>): both see the same interfaces, routes and memory.
/// </summary>
internal sealed class PacketLab : IDisposable
{
    public const string Table = Portolan.Proxy.Nftables.Shape.Table;
    public const string Nothing = "nothing";
    private readonly ProxyTable _table;

    public PacketLab()
    {
        Client = new NetworkNamespace("client");
        Node = new NetworkNamespace("node");
        Pod = new NetworkNamespace("pod");
        Node.Wire("eth0", Client, "eth0");
        Node.Wire("pod0", Pod, "eth0");
        Node.Link("addr add 192.0.2.1/24 dev eth0");
        Node.Link("addr add 192.0.3.1/24 dev pod0");
        Node.Link("route add 10.9.0.0/16 dev eth0");
        Node.Link("route add 10.128.0.0/9 via 192.0.3.2 dev pod0");
        Node.Link($"neigh add 192.0.3.2 lladdr {Pod.RunInside("cat", "/sys/class/net/eth0/address").Trim()} dev pod0 nud permanent");
        Node.Sysctl("net.ipv4.ip_forward", "1");
        _table = new ProxyTable(Node);
    }

    public NetworkNamespace Client { get; }

    public NetworkNamespace Node { get; }

    public NetworkNamespace Pod { get; }

    /// <summary>Programs our table, and accounts in a table of their own beside one that has nothing.</summary>
    public void LoadAccounted(Fleet fleet)
    {
        _table.Program([.. fleet.AllServices()], [.. fleet.AllSlices()]);
        using var accounts = Node.Inside(() => new TrafficAccounts(true, NullLogger.Instance));
        accounts.Reconcile(_table.Plans);
        Node.RunInside("nft", $"add table ip {Nothing}");
    }

    /// <summary>Gives both ends addresses: the client one, the pod every endpoint's.</summary>
    public void PrepareSockets()
    {
        Client.Link("addr add 10.9.0.1/16 dev eth0");
        Client.Link("addr add 192.0.2.2/24 dev eth0");
        Client.Link("route add default via 192.0.2.1");
        Pod.Link("addr add 192.0.3.2/24 dev eth0");
        Pod.Link("route add default via 192.0.3.1");
        Pod.Link("route add local 10.128.0.0/9 dev lo");
    }

    /// <summary>Programs our table.</summary>
    public void LoadOurs(Fleet fleet) => _table.Program([.. fleet.AllServices()], [.. fleet.AllSlices()]);

    /// <summary>Programs our table and loads the peer's.</summary>
    public void Load(Fleet fleet)
    {
        LoadOurs(fleet);
        using var file = new NftFile(LeanRules.Of(fleet));
        Node.RunInside("nft", $"-f {file.Path}");
    }

    public void Dispose()
    {
        _table.Dispose();
        Pod.Dispose();
        Node.Dispose();
        Client.Dispose();
    }
}
