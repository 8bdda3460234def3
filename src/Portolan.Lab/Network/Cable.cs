using System.Net;

namespace Portolan.Lab.Network;

/// <summary>A host's cable into a segment: a veth pair, born with one end in each of the two namespaces so that no name meets the machine's.</summary>
/// <param name="Host">The host's name.</param>
/// <param name="Interface">The host's end: <c>eth0</c>, <c>eth1</c>.</param>
/// <param name="Segment">What it is plugged into.</param>
/// <param name="Number">The host's number there: the end of its addresses.</param>
internal sealed record Cable(string Host, string Interface, Segment Segment, int Number)
{
    public IPAddress Address => Segment.Address(Number);

    public IPAddress Address6 => LabHost.Twin(Address);

    /// <summary>Locally administered and made from the address: a machine keeps its card when its power comes back.</summary>
    public string Mac => "02:00:" + string.Join(':', Address.GetAddressBytes().Select(b => b.ToString("x2")));

    /// <summary>The switch's end, in namespace <c>lan</c>.</summary>
    public string SwitchPort => Interface == LabHost.Interface ? $"v-{Host}" : $"v-{Host}-{Interface}";
}
