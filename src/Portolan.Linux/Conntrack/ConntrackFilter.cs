using Portolan.Linux.Netlink;

namespace Portolan.Linux.Conntrack;

/// <summary>
/// Which flows the kernel need not show. It takes this since Linux 5.8; an older one shows every flow of the family, so that who
/// asks must look at what comes all the same.
/// </summary>
/// <param name="Protocol">The layer-4 protocol, 1 to 255.</param>
/// <param name="DestinationPort">Where the flow's first packet was sent to, before any translation; null for any port.</param>
/// <param name="Destination">As <paramref name="DestinationPort"/>: an IPv4 address in network order; null for any address.</param>
/// <param name="IsDestinationTranslated">Only flows whose destination was translated (IPS_DST_NAT).</param>
/// <remarks>
/// There is none for IPv6 addresses: up to Linux 6.18 at least, the kernel compares those the wrong way round and shows everything but the flows asked for.
/// </remarks>
public sealed record ConntrackFilter(byte Protocol, ushort? DestinationPort = null, byte[]? Destination = null, bool IsDestinationTranslated = false)
{
    // enum ctattr_type and those nested in it (linux/netfilter/nfnetlink_conntrack.h).
    private const ushort Status = 3, Filter = 25, StatusMask = 26, OriginalFlags = 1;
    private const ushort TupleIp = 1, TupleProtocol = 2, AddressOfDestination = 2, Number = 1, PortOfDestination = 3;

    // CTA_FILTER_F_CTA_… are in no public header (net/netfilter/nf_internals.h of the kernel).
    private const uint HasAddress = 1 << 1, HasNumber = 1 << 3, HasPort = 1 << 5;
    private const uint DestinationNat = 1 << 5; // IPS_DST_NAT

    internal void Write(NetlinkWriter request)
    {
        var original = request.BeginNested(ConntrackEntry.OriginalTuple);
        if (Destination is not null)
        {
            var ip = request.BeginNested(TupleIp);
            request.Put(AddressOfDestination, Destination);
            request.EndNested(ip);
        }

        var protocol = request.BeginNested(TupleProtocol);
        request.PutByte(Number, Protocol);
        if (DestinationPort is { } port)
            request.PutUInt16BigEndian(PortOfDestination, port);
        request.EndNested(protocol);
        request.EndNested(original);
        if (IsDestinationTranslated)
        {
            request.PutUInt32BigEndian(Status, DestinationNat);
            request.PutUInt32BigEndian(StatusMask, DestinationNat);
        }

        var filter = request.BeginNested(Filter);
        request.PutUInt32(OriginalFlags, HasNumber | (DestinationPort is null ? 0 : HasPort) | (Destination is null ? 0 : HasAddress));
        request.EndNested(filter);
    }
}
