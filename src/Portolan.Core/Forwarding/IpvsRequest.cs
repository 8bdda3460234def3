namespace Portolan.Core.Forwarding;

/// <summary>Flags of a virtual server of IPVS that a Service may ask for; the values are the kernel's (<c>IP_VS_SVC_F_…</c>, linux/ip_vs.h).</summary>
[Flags]
public enum IpvsRequestFlags : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><c>one-packet</c>: each UDP packet is scheduled by itself.</summary>
    OnePacket = 0x04,

    /// <summary><c>fallback</c>, with <c>sh</c> or <c>mh</c>: where the chosen real server takes nothing, another.</summary>
    Fallback = 0x08,

    /// <summary><c>port</c>, with <c>sh</c> or <c>mh</c>: the client's port counts, too.</summary>
    Port = 0x10,
}

/// <summary>How packets get to a real server.</summary>
public enum IpvsForwardingMethod : byte
{
    /// <summary>Their destination is rewritten, and replies come back this way.</summary>
    Masquerade,

    /// <summary>As they are, to the real server's hardware address: it has the virtual server's address, too, and answers by itself.</summary>
    Direct,

    /// <summary>Inside another IP packet, to a real server that has the virtual server's address, too.</summary>
    Tunnel,
}

/// <summary>What a Service's annotations ask of IPVS.</summary>
/// <param name="Scheduler">One of <see cref="Schedulers"/>; null: the proxy's own default.</param>
/// <param name="Flags">The virtual servers' flags.</param>
/// <param name="Method">How packets to addresses from outside (load balancer and external ones) get to a real server. Those to others are rewritten in any case.</param>
public sealed record IpvsRequest(string? Scheduler, IpvsRequestFlags Flags, IpvsForwardingMethod Method)
{
    /// <summary><c>fallback,port,one-packet</c>: flags of the Service's virtual servers.</summary>
    public const string FlagsAnnotation = "portolan.dev/ipvs-flags";

    /// <summary><c>masquerade</c>, <c>direct</c> or <c>tunnel</c>.</summary>
    public const string ForwardingAnnotation = "portolan.dev/ipvs-forwarding";

    /// <summary>The schedulers of the kernel, by their names there.</summary>
    public static IReadOnlyList<string> Schedulers { get; } = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq", "mh", "fo", "ovf"];

    /// <summary>Nothing is asked for.</summary>
    public static IpvsRequest Default { get; } = new(null, IpvsRequestFlags.None, IpvsForwardingMethod.Masquerade);

    /// <summary>Reads a list of flags; null where one is unknown.</summary>
    internal static IpvsRequestFlags? ParseFlags(string text)
    {
        var flags = IpvsRequestFlags.None;
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            switch (name)
            {
                case "fallback": flags |= IpvsRequestFlags.Fallback; break;
                case "port": flags |= IpvsRequestFlags.Port; break;
                case "one-packet": flags |= IpvsRequestFlags.OnePacket; break;
                default: return null;
            }
        }

        return flags;
    }
}
