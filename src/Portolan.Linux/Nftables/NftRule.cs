using Portolan.Linux.Netlink;

namespace Portolan.Linux.Nftables;

/// <summary>
/// A rule as the sequence of its expressions, encoded as the kernel takes them. Registers are counted in units of 4 bytes from 0 to 15;
/// a value longer than that takes several in a row.
/// </summary>
public sealed partial class NftRule
{
    private const uint FirstRegister = 8; // NFT_REG32_00
    private const uint VerdictRegister = 0;
    private readonly NetlinkWriter _writer = new(256);

    /// <summary>What <c>nft</c> shows behind the rule; null: nothing.</summary>
    public string? Comment { get; private set; }

    /// <summary>Gives the rule a comment of at most 100 ASCII characters.</summary>
    public NftRule Saying(string comment)
    {
        Comment = comment;
        return this;
    }

    /// <summary>The encoded expressions.</summary>
    public ReadOnlySpan<byte> Expressions => _writer.Written;

    /// <summary>Loads bytes of the network header.</summary>
    public NftRule NetworkHeader(uint offset, uint length, uint register) => Payload(1, offset, length, register);

    /// <summary>Loads bytes of the transport header; a packet without one does not match.</summary>
    public NftRule TransportHeader(uint offset, uint length, uint register) => Payload(2, offset, length, register);

    private NftRule Payload(uint @base, uint offset, uint length, uint register)
    {
        var data = Begin("payload", out var expression);
        Register(1, register);
        Number(2, @base);
        Number(3, offset);
        Number(4, length);
        return End(data, expression);
    }

    /// <summary>Loads the layer-4 protocol (NFT_META_L4PROTO).</summary>
    public NftRule Layer4Protocol(uint register) => Meta(1, register, 16);

    /// <summary>Loads the packet's mark.</summary>
    public NftRule Mark(uint register) => Meta(1, register, 3);

    /// <summary>Gives the packet the mark in the register.</summary>
    public NftRule SetMark(uint register) => Meta(3, register, 3);

    /// <summary>Loads the name of the interface the packet came in by (NFT_META_IIFNAME), 16 bytes; a packet without one does not match.</summary>
    public NftRule InputInterfaceName(uint register) => Meta(1, register, 6);

    /// <summary>Loads the number of the interface the packet came in by (NFT_META_IIF).</summary>
    public NftRule InputInterface(uint register) => Meta(1, register, 4);

    private NftRule Meta(ushort registerAttribute, uint register, uint key)
    {
        var data = Begin("meta", out var expression);
        Register(registerAttribute, register);
        Number(2, key);
        return End(data, expression);
    }

    /// <summary>Loads the flow's status bits (NFT_CT_STATUS).</summary>
    public NftRule ConntrackStatus(uint register)
    {
        var data = Begin("ct", out var expression);
        Register(1, register);
        Number(2, 2);
        return End(data, expression);
    }

    /// <summary>Loads one byte: 0 where the packet goes the way of the flow's first, 1 the other way (NFT_CT_DIRECTION).</summary>
    public NftRule ConntrackDirection(uint register)
    {
        var data = Begin("ct", out var expression);
        Register(1, register);
        Number(2, 1);
        return End(data, expression);
    }

    /// <summary>Loads the address the flow was first sent to, before any translation.</summary>
    public NftRule ConntrackOriginalDestination(NftFamily family, uint register) =>
        ConntrackOriginal(family is NftFamily.Ip ? 20u : 22u, register);

    /// <summary>Loads the port the flow was first sent to, before any translation.</summary>
    public NftRule ConntrackOriginalDestinationPort(uint register) => ConntrackOriginal(12, register);

    /// <summary>Loads the address the flow's first packet came from, before any translation.</summary>
    public NftRule ConntrackOriginalSource(NftFamily family, uint register) =>
        ConntrackOriginal(family is NftFamily.Ip ? 19u : 21u, register);

    private NftRule ConntrackOriginal(uint key, uint register)
    {
        var data = Begin("ct", out var expression);
        Register(1, register);
        Number(2, key);
        _writer.PutByte(3, 0);
        return End(data, expression);
    }

    /// <summary>Loads the kind of the packet's source address: local, unicast, … (RTN_…).</summary>
    public NftRule SourceAddressType(uint register) => AddressType(1, register);

    /// <summary>Loads the kind of the packet's destination address.</summary>
    public NftRule DestinationAddressType(uint register) => AddressType(2, register);

    private NftRule AddressType(uint flags, uint register)
    {
        var data = Begin("fib", out var expression);
        Register(1, register);
        Number(2, 3);
        Number(3, flags);
        return End(data, expression);
    }

    /// <summary>Goes on only where the register holds these bytes.</summary>
    public NftRule Equal(uint register, ReadOnlySpan<byte> value) => Compare(register, 0, value);

    /// <summary>Goes on only where the register does not hold these bytes.</summary>
    public NftRule NotEqual(uint register, ReadOnlySpan<byte> value) => Compare(register, 1, value);

    private NftRule Compare(uint register, uint operation, ReadOnlySpan<byte> value)
    {
        var data = Begin("cmp", out var expression);
        Register(1, register);
        Number(2, operation);
        Data(3, value);
        return End(data, expression);
    }

    /// <summary>Keeps the bits of a 32-bit register (machine's order) that the mask has.</summary>
    public NftRule And(uint register, uint mask) => And(register, register, mask);

    /// <summary>Puts the bits of a 32-bit register (machine's order) that the mask has into another register.</summary>
    public NftRule And(uint register, uint result, uint mask) => Bits(register, result, mask, 0);

    /// <summary>Sets bits of a 32-bit register (machine's order).</summary>
    public NftRule Or(uint register, uint bits) => Bits(register, register, ~bits, bits);

    private NftRule Bits(uint register, uint result, uint mask, uint exclusiveOr)
    {
        var data = Begin("bitwise", out var expression);
        Register(1, register);
        Register(2, result);
        Number(3, 4);
        Data(4, BitConverter.GetBytes(mask));
        Data(5, BitConverter.GetBytes(exclusiveOr));
        return End(data, expression);
    }

    /// <summary>Draws a number from 0 to modulus - 1, each equally likely (numgen random).</summary>
    public NftRule Random(uint register, uint modulus)
    {
        var data = Begin("numgen", out var expression);
        Register(1, register);
        Number(2, modulus);
        Number(3, 1);
        Number(4, 0);
        return End(data, expression);
    }

    /// <summary>Hashes registers to a number from 0 to modulus - 1 (jhash): the same for the same bytes on every machine.</summary>
    /// <param name="register">The first.</param>
    /// <param name="length">Bytes: 1..64.</param>
    /// <param name="result">The register for the number.</param>
    /// <param name="modulus">At least 1.</param>
    /// <param name="seed">Other seeds give other numbers.</param>
    public NftRule Hash(uint register, uint length, uint result, uint modulus, uint seed)
    {
        var data = Begin("hash", out var expression);
        Register(1, register);
        Register(2, result);
        Number(3, length);
        Number(4, modulus);
        Number(5, seed);
        Number(7, 0); // NFT_HASH_JENKINS
        return End(data, expression);
    }

    /// <summary>Goes on only where the set has the registers' value.</summary>
    public NftRule InSet(string set, uint register)
    {
        var data = Begin("lookup", out var expression);
        _writer.PutString(1, set);
        Register(2, register);
        return End(data, expression);
    }

    /// <summary>Goes on only where the set does not have the registers' value.</summary>
    public NftRule NotInSet(string set, uint register)
    {
        var data = Begin("lookup", out var expression);
        _writer.PutString(1, set);
        Register(2, register);
        Number(5, 1);
        return End(data, expression);
    }

    /// <summary>Goes on only where the map has the registers' value as a key, with its data.</summary>
    public NftRule Map(string map, uint register, uint result)
    {
        var data = Begin("lookup", out var expression);
        _writer.PutString(1, map);
        Register(2, register);
        Register(3, result);
        return End(data, expression);
    }

    /// <summary>Does what the verdict map says for the registers' value; goes on where it says nothing.</summary>
    public NftRule VerdictMap(string map, uint register)
    {
        var data = Begin("lookup", out var expression);
        _writer.PutString(1, map);
        Register(2, register);
        Number(3, VerdictRegister);
        return End(data, expression);
    }

    /// <summary>Adds the registers' key and data to a map, or gives it its whole time again where the key is there; its data then stays as it was.</summary>
    /// <param name="map">A map with <see cref="NftSetFlags.Eval"/> and <see cref="NftSetFlags.Timeout"/>. Where it is full the rule does not match.</param>
    /// <param name="key">The key's first register.</param>
    /// <param name="value">The data's first register.</param>
    /// <param name="timeout">How long until the element expires.</param>
    public NftRule Update(string map, uint key, uint value, TimeSpan timeout)
    {
        var data = Begin("dynset", out var expression);
        _writer.PutString(1, map);
        Number(3, 1);
        Register(4, key);
        Register(5, value);
        _writer.PutUInt64BigEndian(6, (ulong)timeout.TotalMilliseconds);
        return End(data, expression);
    }

    /// <summary>Takes the registers' key out of a map with <see cref="NftSetFlags.Eval"/>, if it is there. Linux 5.4.</summary>
    /// <param name="map">The map.</param>
    /// <param name="key">The key's first register.</param>
    /// <param name="value">The first of registers that hold anything of the data's length: the kernel wants them, and does not look at them.</param>
    public NftRule Delete(string map, uint key, uint value)
    {
        var data = Begin("dynset", out var expression);
        _writer.PutString(1, map);
        Number(3, 2);
        Register(4, key);
        Register(5, value);
        return End(data, expression);
    }

    /// <summary>Sends the flow to the address and the port in these registers.</summary>
    public NftRule DestinationNat(NftFamily family, uint address, uint port)
    {
        var data = Begin("nat", out var expression);
        Number(1, 1);
        Number(2, (uint)family);
        Register(3, address);
        Register(5, port);
        return End(data, expression);
    }

    /// <summary>Gives the flow this host's address as its source, with a random free port.</summary>
    public NftRule Masquerade()
    {
        var data = Begin("masq", out var expression);
        Number(1, 0x10); // NF_NAT_RANGE_PROTO_RANDOM_FULLY
        return End(data, expression);
    }

    /// <summary>Refuses the packet with ICMP port unreachable.</summary>
    public NftRule RejectPortUnreachable(NftFamily family)
    {
        var data = Begin("reject", out var expression);
        Number(1, 0);
        _writer.PutByte(2, family is NftFamily.Ip ? (byte)3 : (byte)4);
        return End(data, expression);
    }

    /// <summary>Ends with this verdict.</summary>
    public NftRule Verdict(NftVerdictCode code, string? chain = null)
    {
        var data = Begin("immediate", out var expression);
        Number(1, VerdictRegister);
        var value = _writer.BeginNested(2);
        PutVerdict(_writer, new NftVerdict(code, chain));
        _writer.EndNested(value);
        return End(data, expression);
    }

    internal static void PutVerdict(NetlinkWriter writer, NftVerdict verdict)
    {
        var nested = writer.BeginNested(Nft.DataVerdict);
        writer.PutUInt32BigEndian(Nft.VerdictCode, (uint)verdict.Code);
        if (verdict.Chain is not null)
            writer.PutString(Nft.VerdictChain, verdict.Chain);
        writer.EndNested(nested);
    }

    private int Begin(string name, out int expression)
    {
        expression = _writer.BeginNested(Nft.ListElement);
        _writer.PutString(Nft.ExpressionName, name);
        return _writer.BeginNested(Nft.ExpressionData);
    }

    private NftRule End(int data, int expression)
    {
        _writer.EndNested(data);
        _writer.EndNested(expression);
        return this;
    }

    private void Number(ushort type, uint value) => _writer.PutUInt32BigEndian(type, value);

    private void Register(ushort type, uint register) => _writer.PutUInt32BigEndian(type, FirstRegister + register);

    private void Data(ushort type, ReadOnlySpan<byte> value)
    {
        var nested = _writer.BeginNested(type);
        _writer.Put(Nft.DataValue, value);
        _writer.EndNested(nested);
    }
}
