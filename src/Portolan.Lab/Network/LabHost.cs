using System.Net;

namespace Portolan.Lab.Network;

/// <summary>A machine on the lab's switch.</summary>
/// <param name="Name"><c>router</c>, <c>control</c>, <c>client</c> or <c>nodeN</c>.</param>
/// <param name="Address">On 192.168.100.0/24, interface <c>eth0</c>.</param>
/// <param name="NodeNumber">From 1 for nodes; 0 for the other hosts.</param>
internal sealed record LabHost(string Name, IPAddress Address, int NodeNumber)
{
    public const string Interface = "eth0";

    public bool IsNode => NodeNumber > 0;

    /// <summary>Locally administered and made from the address: a machine keeps its card when its power comes back.</summary>
    public string Mac => "02:00:" + string.Join(':', Address.GetAddressBytes().Select(b => b.ToString("x2")));

    /// <summary>The port of the switch that the host is plugged into, in namespace <c>lan</c>.</summary>
    public string SwitchPort => $"v-{Name}";

    /// <summary>The pods of a node.</summary>
    public string PodCidr => $"10.233.{64 + NodeNumber}.0/24";

    /// <summary>A local address of the node, on a bridge without ports; pods are /32 routed veths whose gateway it is.</summary>
    public string PodGateway => $"10.233.{64 + NodeNumber}.1";
}
