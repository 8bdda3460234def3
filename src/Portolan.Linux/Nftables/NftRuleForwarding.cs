namespace Portolan.Linux.Nftables;

// Expressions that send a packet to another host of the link as it is, and those that tell which packets.
public sealed partial class NftRule
{
    /// <summary>Goes on only where connection tracking thinks one of these of the packet (NFT_CT_STATE). Loads the register.</summary>
    public NftRule IsInState(uint register, NftConnectionStates states)
    {
        var data = Begin("ct", out var expression);
        Register(1, register);
        Number(2, 0);
        return End(data, expression).And(register, (uint)states).NotEqual(register, [0, 0, 0, 0]);
    }

    /// <summary>Goes on only where the register's bytes, read as a big-endian number, are above this one.</summary>
    public NftRule Above(uint register, ReadOnlySpan<byte> value) => Compare(register, 4, value);

    /// <summary>Writes the byte in the register over the packet's time to live (IPv4; its checksum is amended) or hop limit (IPv6).</summary>
    public NftRule RewriteHopLimit(NftFamily family, uint register) => family is NftFamily.Ip
        ? Rewrite(NetworkBase, 8, 1, register, IPv4HeaderChecksum, amendsPseudoHeader: false)
        : Rewrite(NetworkBase, 7, 1, register, null, amendsPseudoHeader: false);

    /// <summary>
    /// Sends a copy of the packet, untracked and with one hop less, to the host whose address is in the register; its own destination stays. Routing
    /// must find that host on a link: a router in between would go by the packet's destination.
    /// </summary>
    public NftRule DuplicateTo(uint address)
    {
        var data = Begin("dup", out var expression);
        Register(1, address);
        return End(data, expression);
    }

    /// <summary>Adds the registers' value to a set, or gives it its whole time again where it is there.</summary>
    /// <param name="set">A set with <see cref="NftSetFlags.Eval"/> and <see cref="NftSetFlags.Timeout"/>. Where it is full the rule does not match.</param>
    /// <param name="key">The value's first register.</param>
    /// <param name="timeout">How long until the element expires.</param>
    public NftRule Update(string set, uint key, TimeSpan timeout)
    {
        var data = Begin("dynset", out var expression);
        _writer.PutString(1, set);
        Number(3, 1);
        Register(4, key);
        _writer.PutUInt64BigEndian(6, (ulong)timeout.TotalMilliseconds);
        return End(data, expression);
    }
}
