using System.Net;

namespace Portolan.Lab.Network;

/// <summary>A machine of the lab.</summary>
/// <param name="Name"><c>router</c>, <c>control</c>, <c>client</c>, <c>remote</c> or <c>nodeN</c>.</param>
/// <param name="Cables">Its cables; the first, <c>eth0</c>, has the address that it is known by.</param>
/// <param name="NodeNumber">From 1 for nodes; 0 for the other hosts.</param>
internal sealed record LabHost(string Name, IReadOnlyList<Cable> Cables, int NodeNumber = 0)
{
    public const string Interface = "eth0";

    /// <summary>A host with one cable.</summary>
    public LabHost(string name, Segment segment, int number, int nodeNumber = 0)
        : this(name, [new Cable(name, Interface, segment, number)], nodeNumber)
    {
    }

    public bool IsNode => NodeNumber > 0;

    public Segment Segment => Cables[0].Segment;

    public IPAddress Address => Cables[0].Address;

    /// <summary>Only where the lab is dual-stack.</summary>
    public IPAddress Address6 => Cables[0].Address6;

    /// <summary>The pods of a node.</summary>
    public string PodCidr => $"10.233.{64 + NodeNumber}.0/24";

    /// <summary>A local address of the node, on a bridge without ports; pods are /32 routed veths whose gateway it is.</summary>
    public string PodGateway => $"10.233.{64 + NodeNumber}.1";

    public string PodCidr6 => $"fd00:234:0:{64 + NodeNumber}::/64";

    public string PodGateway6 => $"fd00:234:0:{64 + NodeNumber}::1";
}
