using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>Keys and data as the kernel stores them: every field padded to 4 bytes, numbers of type mark in the machine's order.</summary>
internal static class TableKeys
{
    /// <summary>No key and no data of ours is longer.</summary>
    internal const int MaxLength = 32;

    internal static IpFamily Family(NftFamily family) => family is NftFamily.Ip ? IpFamily.IPv4 : IpFamily.IPv6;

    internal static NftFamily Family(IpFamily family) => family is IpFamily.IPv4 ? NftFamily.Ip : NftFamily.Ip6;

    /// <summary>address . protocol . port, or protocol . port.</summary>
    internal static ReadOnlySpan<byte> Write(Front front, Span<byte> buffer)
    {
        buffer.Clear();
        var length = 0;
        if (!front.IsNodePort)
        {
            front.Address.WriteTo(buffer);
            length = front.Address.Size;
        }

        buffer[length] = (byte)front.Protocol;
        BinaryPrimitives.WriteUInt16BigEndian(buffer[(length + 4)..], front.Port);
        return buffer[..(length + 8)];
    }

    internal static Front? ReadFront(ReadOnlySpan<byte> key, IpFamily family)
    {
        var size = family is IpFamily.IPv4 ? 4 : 16;
        if (key.Length == size + 8)
            return new Front(IpAddress.Read(key[..size]), false, (Protocol)key[size], BinaryPrimitives.ReadUInt16BigEndian(key[(size + 4)..]));
        return key.Length == 8 ? Front.OfNode(family, (Protocol)key[0], BinaryPrimitives.ReadUInt16BigEndian(key[4..])) : null;
    }

    /// <summary>A number of type mark.</summary>
    internal static ReadOnlySpan<byte> Write(uint number, Span<byte> buffer)
    {
        MemoryMarshal.Write(buffer, number);
        return buffer[..4];
    }

    internal static uint ReadNumber(ReadOnlySpan<byte> data) => data.Length >= 4 ? MemoryMarshal.Read<uint>(data) : 0;

    /// <summary>The five numbers of a front.</summary>
    internal static ReadOnlySpan<byte> Write(FrontValue value, Span<byte> buffer)
    {
        MemoryMarshal.Write(buffer, value.Later);
        MemoryMarshal.Write(buffer[4..], value.Entry);
        MemoryMarshal.Write(buffer[8..], value.Affinity);
        MemoryMarshal.Write(buffer[12..], value.Set);
        MemoryMarshal.Write(buffer[16..], value.Ranges);
        return buffer[..FrontValue.Size];
    }

    internal static FrontValue? ReadValue(ReadOnlySpan<byte> data) => data.Length == FrontValue.Size
        ? new(ReadNumber(data), ReadNumber(data[4..]), ReadNumber(data[8..]), ReadNumber(data[12..]), ReadNumber(data[16..]))
        : null;

    /// <summary>address . port . real server set.</summary>
    internal static ReadOnlySpan<byte> Write((RealServer Server, uint Set) member, Span<byte> buffer)
    {
        var length = Write(member.Server, buffer).Length;
        MemoryMarshal.Write(buffer[length..], member.Set);
        return buffer[..(length + 4)];
    }

    internal static (RealServer Server, uint Set)? ReadMember(ReadOnlySpan<byte> key, IpFamily family) =>
        key.Length > 4 && ReadServer(key[..^4], family) is { } server ? (server, ReadNumber(key[^4..])) : null;

    /// <summary>list . address.</summary>
    internal static ReadOnlySpan<byte> Write(uint list, IpAddress address, Span<byte> buffer)
    {
        MemoryMarshal.Write(buffer, list);
        address.WriteTo(buffer[4..]);
        return buffer[..(4 + address.Size)];
    }

    /// <summary>real server set . slot.</summary>
    internal static ReadOnlySpan<byte> Write((uint Set, uint Slot) slot, Span<byte> buffer)
    {
        MemoryMarshal.Write(buffer, slot.Set);
        MemoryMarshal.Write(buffer[4..], slot.Slot);
        return buffer[..8];
    }

    internal static (uint Set, uint Slot)? ReadSlot(ReadOnlySpan<byte> key) =>
        key.Length == 8 ? (MemoryMarshal.Read<uint>(key), MemoryMarshal.Read<uint>(key[4..])) : null;

    /// <summary>address . port.</summary>
    internal static ReadOnlySpan<byte> Write(RealServer server, Span<byte> buffer)
    {
        buffer.Clear();
        server.Address.WriteTo(buffer);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[server.Address.Size..], server.Port);
        return buffer[..(server.Address.Size + 4)];
    }

    internal static RealServer? ReadServer(ReadOnlySpan<byte> data, IpFamily family)
    {
        var size = family is IpFamily.IPv4 ? 4 : 16;
        return data.Length == size + 4 ? new RealServer(IpAddress.Read(data[..size]), BinaryPrimitives.ReadUInt16BigEndian(data[size..])) : null;
    }

    /// <summary>The same address twice: from an endpoint to itself.</summary>
    internal static ReadOnlySpan<byte> WriteHairpin(IpAddress address, Span<byte> buffer)
    {
        address.WriteTo(buffer);
        address.WriteTo(buffer[address.Size..]);
        return buffer[..(2 * address.Size)];
    }

    internal static ReadOnlySpan<byte> Write(IpAddress address, Span<byte> buffer)
    {
        address.WriteTo(buffer);
        return buffer[..address.Size];
    }
}
