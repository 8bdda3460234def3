namespace Portolan.Linux.Nftables;

// Expressions that write into packets without connection tracking's knowledge, and those that tell which packets.
public sealed partial class NftRule
{
    private const uint NetworkBase = 1;    // NFT_PAYLOAD_NETWORK_HEADER
    private const uint TransportBase = 2;  // NFT_PAYLOAD_TRANSPORT_HEADER
    private const uint IPv4HeaderChecksum = 10;

    /// <summary>Loads the address that answers are sent to on the wire: the flow's source after its translation.</summary>
    public NftRule ConntrackReplyDestination(NftFamily family, uint register)
    {
        var data = Begin("ct", out var expression);
        Register(1, register);
        Number(2, family is NftFamily.Ip ? 20u : 22u);
        _writer.PutByte(3, 1);
        return End(data, expression);
    }

    /// <summary>Loads these bytes (at most 16).</summary>
    public NftRule Load(uint register, ReadOnlySpan<byte> value)
    {
        var data = Begin("immediate", out var expression);
        Register(1, register);
        Data(2, value);
        return End(data, expression);
    }

    /// <summary>Refuses the connection with a TCP reset. Only for TCP.</summary>
    public NftRule RejectTcpReset()
    {
        var data = Begin("reject", out var expression);
        Number(1, 1);
        _writer.PutByte(2, 0);
        return End(data, expression);
    }

    /// <summary>Writes the address in the register over the packet's source, and amends the checksums of both headers.</summary>
    public NftRule RewriteSource(NftFamily family, uint register) => RewriteAddress(family, register, family is NftFamily.Ip ? 12u : 8u);

    /// <summary>Writes the address in the register over the packet's destination, and amends the checksums of both headers.</summary>
    public NftRule RewriteDestination(NftFamily family, uint register) => RewriteAddress(family, register, family is NftFamily.Ip ? 16u : 24u);

    private NftRule RewriteAddress(NftFamily family, uint register, uint offset) => family is NftFamily.Ip
        ? Rewrite(NetworkBase, offset, 4, register, IPv4HeaderChecksum, amendsPseudoHeader: true)
        : Rewrite(NetworkBase, offset, 16, register, null, amendsPseudoHeader: true);

    /// <summary>Writes the port in the register over the packet's source port.</summary>
    /// <param name="register">Holds the port.</param>
    /// <param name="checksum">Where the transport header has its 16-bit checksum: 16 for TCP, 6 for UDP (which must have one).</param>
    public NftRule RewriteSourcePort(uint register, uint checksum) => Rewrite(TransportBase, 0, 2, register, checksum, amendsPseudoHeader: false);

    private NftRule Rewrite(uint @base, uint offset, uint length, uint register, uint? checksum, bool amendsPseudoHeader)
    {
        var data = Begin("payload", out var expression);
        Register(5, register);
        Number(2, @base);
        Number(3, offset);
        Number(4, length);
        Number(6, checksum is null ? 0u : 1u); // NFT_PAYLOAD_CSUM_NONE, _INET
        Number(7, checksum ?? 0);
        if (amendsPseudoHeader)
            Number(8, 1); // NFT_PAYLOAD_L4CSUM_PSEUDOHDR
        return End(data, expression);
    }
}
