using System.Net;

namespace Portolan.Lab.Network;

/// <summary>A machine of the lab.</summary>
/// <param name="Name"><c>router</c>, <c>control</c>, <c>client</c>, <c>remote</c> or <c>nodeN</c>.</param>
/// <param name="Cables">Its cables; the first, <c>eth0</c>, has the address that it is known by.</param>
/// <param name="NodeNumber">From 1 for nodes; 0 for the other hosts.</param>
/// <param name="DualStack">It has IPv6 addresses, too.</param>
internal sealed record LabHost(string Name, IReadOnlyList<Cable> Cables, int NodeNumber, bool DualStack)
{
    public const string Interface = "eth0";

    /// <summary>A host with one cable.</summary>
    public LabHost(string name, Segment segment, int number, bool dualStack, int nodeNumber = 0)
        : this(name, [new Cable(name, Interface, segment, number)], nodeNumber, dualStack)
    {
    }

    public bool IsNode => NodeNumber > 0;

    public Segment Segment => Cables[0].Segment;

    public IPAddress Address => Cables[0].Address;

    /// <summary>Of every family it has, IPv4 first.</summary>
    public IReadOnlyList<IPAddress> Addresses => AddressesOf(Address);

    /// <summary>The pods of a node.</summary>
    public string PodCidr => $"10.233.{64 + NodeNumber}.0/24";

    public IReadOnlyList<string> PodCidrs => DualStack ? [PodCidr, PodCidr6] : [PodCidr];

    /// <summary>A local address of the node, on a bridge without ports; pods are /32 routed veths whose gateway it is.</summary>
    public string PodGateway => $"10.233.{64 + NodeNumber}.1";

    public string PodCidr6 => $"fd00:234:0:{64 + NodeNumber}::/64";

    public string PodGateway6 => $"fd00:234:0:{64 + NodeNumber}::1";

    /// <summary>The addresses of a host or pod that has this one: itself, and where there are both families its IPv6 twin.</summary>
    public IReadOnlyList<IPAddress> AddressesOf(IPAddress address) => DualStack ? [address, Twin(address)] : [address];

    /// <summary>192.168.100.10 and fd00:100::10 are one host, 10.233.65.7 and fd00:234:0:65::7 one pod: the decimal digits stand in the IPv6 address as they are.</summary>
    public static IPAddress Twin(IPAddress address) => address.GetAddressBytes() switch
    {
        [192, 168, var segment, var number] => IPAddress.Parse($"fd00:{segment}::{number}"),
        [10, 233, var node, var number] => IPAddress.Parse($"fd00:234:0:{node}::{number}"),
        _ => throw new ArgumentException($"{address} is no host's and no pod's", nameof(address)),
    };
}
