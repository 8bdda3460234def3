using System.Runtime.InteropServices;

namespace Portolan.Linux.Netlink;

/// <summary>What an NLMSG_ERROR or NLMSG_DONE message says: success is errno 0.</summary>
internal readonly record struct NetlinkError(int Errno, string? ExtAckMessage, int Offset)
{
    private const ushort AttributeMessage = 1; // NLMSGERR_ATTR_MSG
    private const ushort AttributeOffset = 2;  // NLMSGERR_ATTR_OFFS

    internal static NetlinkError Read(NetlinkMessage message)
    {
        if (message.Payload.Length < 4)
            return default;
        var errno = -MemoryMarshal.Read<int>(message.Payload);
        if (!message.Flags.HasFlag(NetlinkTypes.AckAttributes))
            return new NetlinkError(errno, null, -1);
        // An error repeats the request's header, or the whole request where it is not capped; the end of a dump repeats nothing.
        var size = 4;
        if (message.Type == NetlinkTypes.Error)
        {
            size += NetlinkMessage.HeaderSize;
            if (!message.Flags.HasFlag(NetlinkTypes.Capped) && message.Payload.Length >= size)
                size = (int)Math.Min((uint)message.Payload.Length, 4 + MemoryMarshal.Read<uint>(message.Payload[4..]));
        }

        string? text = null;
        var offset = -1;
        foreach (var attribute in message.Attributes(size))
        {
            if (attribute.Type == AttributeMessage)
                text = attribute.AsString;
            else if (attribute.Type == AttributeOffset)
                offset = (int)attribute.AsUInt32;
        }

        return new NetlinkError(errno, text, offset);
    }

    internal void ThrowIfFailed(string operation)
    {
        if (Errno != 0)
            throw new NetlinkException(operation, Errno, ExtAckMessage, Offset);
    }
}
