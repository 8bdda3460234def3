using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;
using Portolan.Speaker.Moves;
using Portolan.Tests.Proxy;
using Portolan.Tests.Proxy.Packets;

namespace Portolan.Tests.Speaker.Moves;

/// <summary>Who translates the Service's address on the nodes.</summary>
public enum Translator
{
    /// <summary>Our proxy's own table.</summary>
    Portolan,

    /// <summary>Rules of the form that kube-proxy writes, mode nftables.</summary>
    KubeProxy,
}

/// <summary>
/// A client and two nodes on one LAN, each node with a pod behind it, and a Service over both pods whose address is wherever the client is told to
/// find it. Both families.
/// </summary>
internal sealed class MovesLab : IDisposable
{
    internal const int Port = 80;
    private const int PodPort = 8080;
    private readonly List<IDisposable> _owned = [];

    /// <summary>A node: where it is, what it does with packets it does not know, and what it remembers.</summary>
    internal sealed record Node(string Name, NetworkNamespace Namespace, string Mac, NftConnection Nftables, ConntrackConnection Conntrack);

    internal MovesLab(IpFamily family, Translator translator, bool isLocal = false, TimeSpan? idle = null)
    {
        NetworkNamespace.SkipUnlessRoot();
        Family = family;
        var lan = Own(new NetworkNamespace("moves-lan"));
        lan.Sysctl("net.bridge.bridge-nf-call-iptables", "0");
        lan.Sysctl("net.bridge.bridge-nf-call-ip6tables", "0");
        lan.Link("link add br0 type bridge");
        lan.Link("link set br0 up");
        Client = Join(lan, "client", 10);
        A = Start(lan, "a", 1);
        B = Start(lan, "b", 2);
        Route(A, B, 2);
        Route(B, A, 1);
        foreach (var node in (Node[])[A, B])
        {
            if (translator is Translator.Portolan)
                Program(node, isLocal);
            else
                node.Namespace.RunInside("nft", $"-f {Write(KubeProxyTable(isLocal ? node.Name : null))}");
            Tables[node.Name] = Own(node.Namespace.Inside(() => new HandoverTable(family, idle ?? HandoverTable.Idle)));
        }

        Point(A);
        Point(B);
        Point(A);
    }

    internal IpFamily Family { get; }

    internal NetworkNamespace Client { get; }

    internal Node A { get; }

    internal Node B { get; }

    internal Dictionary<string, HandoverTable> Tables { get; } = [];

    internal IpAddress Vip => Address(240);

    internal IpAddress Address(int host) => IpAddress.Parse(Family is IpFamily.IPv4 ? $"192.168.100.{host}" : $"fd00:100::{host}");

    internal IpAddress AddressOf(Node node) => Address(node == A ? 1 : 2);

    /// <summary>The client finds the address at this node from now on.</summary>
    internal void Point(Node node) => Client.Link($"neigh replace {Vip} lladdr {node.Mac} dev eth0");

    /// <summary>The address moves, as a new holder does it: first it hands over, then it says that it has the address.</summary>
    internal void Move(Node from, Node to, TimeSpan? longest = null)
    {
        var now = 1_000_000L;
        var move = new Handover(Vip, from.Name, AddressOf(from), now + (long)(longest ?? PlannedMoves.Longest).TotalMicroseconds);
        Tables[to.Name].Add([move], [move], now);
        Point(to);
    }

    /// <summary>A connection to the Service, and the pod that answered first.</summary>
    internal (Socket Socket, string Pod) Connect() => Client.Inside(() =>
    {
        var socket = new Socket(Vip.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000, NoDelay = true };
        socket.Connect(new IPEndPoint(Vip.ToIPAddress(), Port));
        return (socket, Read(socket));
    });

    /// <summary>One request more on a connection, and who answered.</summary>
    internal static string Ask(Socket socket)
    {
        socket.Send([1]);
        return Read(socket);
    }

    private static string Read(Socket socket)
    {
        var buffer = new byte[200];
        var length = socket.Receive(buffer);
        return length == 0 ? "closed" : Answer.Parse(buffer.AsSpan(0, length)).From;
    }

    /// <summary>Packets to the Service's address that a node has received since it was asked to count.</summary>
    internal void Count(Node node) => node.Namespace.RunInside(
        "nft", $"-f {Write($$"""
            table inet counting {
                counter arrived { }
                chain first {
                    type filter hook prerouting priority -400
                    {{(Family is IpFamily.IPv4 ? "ip" : "ip6")}} daddr {{Vip}} counter name arrived
                }
                counter related { }
                chain second {
                    type filter hook prerouting priority -150
                    {{(Family is IpFamily.IPv4 ? "ip" : "ip6")}} daddr {{Vip}} ct state related counter name related
                }
            }

            """)}");

    /// <inheritdoc cref="Count"/>
    internal static int Counted(Node node, string counter = "arrived")
    {
        var text = node.Namespace.RunInside("nft", $"list counter inet counting {counter}");
        return int.Parse(text[(text.IndexOf("packets ", StringComparison.Ordinal) + 8)..].Split(' ')[0]);
    }

    /// <summary>A node forgets every connection.</summary>
    internal void Forget(Node node) =>
        node.Conntrack.DeleteWhere(Family is IpFamily.IPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, null, _ => true);

    /// <summary>What a node hands over, as elements of a set.</summary>
    internal int Elements(Node node, string set)
    {
        var count = 0;
        node.Nftables.Elements(TableKeys.Family(Family), HandoverShape.Table, set, () => count = 0, _ => count++);
        return count;
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private NetworkNamespace Join(NetworkNamespace lan, string name, int host)
    {
        var joined = Own(new NetworkNamespace("moves-" + name));
        lan.Wire("port-" + name, joined, "eth0");
        lan.Link($"link set port-{name} master br0");
        joined.Link($"addr add 192.168.100.{host}/24 dev eth0");
        joined.Link($"addr add fd00:100::{host}/64 dev eth0 nodad");
        return joined;
    }

    private Node Start(NetworkNamespace lan, string name, int host)
    {
        var inside = Join(lan, name, host);
        inside.Sysctl("net.ipv4.ip_forward", "1");
        inside.Sysctl("net.ipv6.conf.all.forwarding", "1");
        var pod = Own(new NetworkNamespace("moves-pod-" + name));
        inside.Wire("pod0", pod, "eth0");
        inside.Link($"addr add 10.9.{host}.1/24 dev pod0");
        inside.Link($"addr add fd00:9:0:{host}::1/64 dev pod0 nodad");
        pod.Link($"addr add 10.9.{host}.2/24 dev eth0");
        pod.Link($"addr add fd00:9:0:{host}::2/64 dev eth0 nodad");
        pod.Link($"route add default via 10.9.{host}.1");
        pod.Link($"route add default via fd00:9:0:{host}::1");
        Own(new Responders(pod, "pod-" + name, Family is IpFamily.IPv4 ? IPAddress.Any : IPAddress.IPv6Any, PodPort));
        var mac = inside.RunInside("cat", "/sys/class/net/eth0/address").Trim();
        return new Node(name, inside, mac, Own(inside.Inside(NftConnection.Open)), Own(inside.Inside(ConntrackConnection.Open)));
    }

    private static void Route(Node from, Node to, int host)
    {
        from.Namespace.Link($"route add 10.9.{host}.0/24 via 192.168.100.{host}");
        from.Namespace.Link($"route add fd00:9:0:{host}::/64 via fd00:100::{host}");
    }

    private IpAddress Pod(string node) => IpAddress.Parse((Family, node) switch
    {
        (IpFamily.IPv4, "a") => "10.9.1.2",
        (IpFamily.IPv4, _) => "10.9.2.2",
        (_, "a") => "fd00:9:0:1::2",
        _ => "fd00:9:0:2::2",
    });

    private void Program(Node node, bool isLocal)
    {
        var index = new ForwardingIndex(new ForwardingContext { NodeName = node.Name });
        var key = new ObjectKey("default", "web");
        index.Set(new ServiceFacts
        {
            Key = key, Type = ServiceType.LoadBalancer, ClusterIPs = [IpAddress.Parse(Family is IpFamily.IPv4 ? "10.8.0.1" : "fd00:8::1")],
            Ingress = [new IngressAddress(Vip, false)], Ports = [new ServicePort("http", Protocol.Tcp, Port, 31313)],
            ExternalTrafficPolicy = isLocal ? TrafficPolicy.Local : TrafficPolicy.Cluster,
        });
        index.Set(new EndpointSliceFacts
        {
            Key = new ObjectKey("default", "web-1"), Service = key, Family = Family, Ports = [new EndpointPort("http", Protocol.Tcp, PodPort)],
            Endpoints = [.. new[] { "a", "b" }.Select(name => new EndpointFacts { Address = Pod(name), NodeName = name, Ready = true, Serving = true })],
        });
        index.TakeChanges();
        new NftablesTable(node.Nftables, Family, new TableSettings()).Reconcile(index.Plans);
    }

    private string KubeProxyTable(string? onlyPodOf)
    {
        var (ip, open, close) = Family is IpFamily.IPv4 ? ("ip", "", "") : ("ip6", "[", "]");
        var names = onlyPodOf is null ? new[] { "a", "b" } : [onlyPodOf];
        var choice = string.Join(", ", names.Select((name, i) => $"{i} : goto endpoint-{name}"));
        var endpoints = string.Join("\n", names.Select(name => $$"""
                chain endpoint-{{name}} {
                    {{ip}} saddr {{Pod(name)}} jump mark-for-masquerade
                    meta l4proto tcp dnat to {{open}}{{Pod(name)}}{{close}}:{{PodPort}}
                }
            """));
        return $$"""
            table {{ip}} kube-proxy {
                chain mark-for-masquerade {
                    meta mark set meta mark or 0x4000
                }
                chain masquerading {
                    meta mark and 0x4000 == 0 return
                    meta mark set meta mark xor 0x4000
                    masquerade fully-random
                }
            {{endpoints}}
                chain service-web {
                    numgen random mod {{names.Length}} vmap { {{choice}} }
                }
                chain external-web {
                    {{(onlyPodOf is null ? "jump mark-for-masquerade" : "")}}
                    goto service-web
                }
                map service-ips {
                    type {{(Family is IpFamily.IPv4 ? "ipv4_addr" : "ipv6_addr")}} . inet_proto . inet_service : verdict
                    elements = { {{Vip}} . tcp . {{Port}} : goto external-web }
                }
                chain services {
                    {{ip}} daddr . meta l4proto . th dport vmap @service-ips
                }
                chain filter-forward {
                    type filter hook forward priority -110
                    ct state invalid drop
                }
                chain nat-prerouting {
                    type nat hook prerouting priority dstnat
                    jump services
                }
                chain nat-postrouting {
                    type nat hook postrouting priority srcnat
                    jump masquerading
                }
            }

            """;
    }

    private string Write(string rules)
    {
        var file = Path.Combine(Path.GetTempPath(), $"portolan-moves-{Guid.NewGuid():n}.nft");
        File.WriteAllText(file, rules);
        Own(new Removal(file));
        return file;
    }

    private sealed class Removal(string file) : IDisposable
    {
        public void Dispose() => File.Delete(file);
    }
}
