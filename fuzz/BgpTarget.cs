using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Fuzz;

/// <summary>What a BGP peer says, message after message. Its corpus is what routers send.</summary>
internal static class BgpTarget
{
    private static readonly BgpFamily[] Families = [BgpFamily.IPv4Unicast, BgpFamily.IPv6Unicast];

    public static PacketTarget Create() => new(Listen, Repair);

    private static string Listen(byte[] bytes)
    {
        var (rest, verdict) = (bytes.AsMemory(), "Nothing");
        while (true)
        {
            var frame = BgpFraming.TryRead(rest.Span, BgpFraming.Longest, out var type, out var length, out var error);
            switch (frame)
            {
                case BgpFrame.Incomplete:
                    Require(length == 0 || length > rest.Length, "a whole message is waited for");
                    return verdict;
                case BgpFrame.Malformed:
                    return Refused(error);
            }

            Require(length >= BgpFraming.HeaderSize && length <= rest.Length && error.IsNone, "no message, and said to be one");
            Require(BgpFraming.TryRead(rest.Span[..(length - 1)], BgpFraming.Longest, out _, out _, out _) is BgpFrame.Incomplete, "a part of a message is taken for all of it");
            error = Read(type, rest.Span[..length]);
            if (!error.IsNone)
                return Refused(error);
            (verdict, rest) = (type.ToString(), rest[length..]);
        }
    }

    private static BgpError Read(BgpMessageType type, ReadOnlySpan<byte> message) => type switch
    {
        BgpMessageType.Open => Open(message),
        BgpMessageType.Update => Update(message),
        BgpMessageType.Notification => Notification(message),
        BgpMessageType.RouteRefresh => RouteRefresh(message),
        _ => BgpError.None,
    };

    private static BgpError Open(ReadOnlySpan<byte> message)
    {
        if (!OpenMessage.TryParse(message, out var open, out var error))
            return error;
        Require(error.IsNone && open is { Asn: > 0, Identifier: > 0, HoldTime: 0 or > 2 } && open.Capabilities.ToString().Length > 0, "an OPEN that may not be");
        var written = new byte[OpenMessage.MaxSize];
        var size = open!.WriteTo(written);
        Require(BgpFraming.TryRead(written, BgpFraming.Longest, out var type, out var length, out _) is BgpFrame.Complete && type is BgpMessageType.Open && length == size, "what is written is no message");
        Require(OpenMessage.TryParse(written.AsSpan(0, size), out var again, out _), "what is written is no OPEN");
        Require(again == open with { Capabilities = open.Capabilities with { Others = [], OtherFamilies = false } }, "what is written is another OPEN");
        return error;
    }

    private static BgpError Update(ReadOnlySpan<byte> message)
    {
        if (!UpdateMessage.TryParse(message, out var update, out var error))
            return error;
        Span<byte> written = stackalloc byte[17];
        var (announced, withdrawn) = (new int[3], new int[3]);
        foreach (var item in update.Prefixes)
        {
            (item.IsAnnounced ? announced : withdrawn)[(int)item.Prefix.Family]++;
            var size = item.Prefix.WriteTo(written);
            Require(BgpPrefix.TryRead(written[..size], item.Prefix.Family, out var again) && again == item.Prefix, "what is written is another prefix");
        }

        foreach (var family in Families)
            Require(update.Announced(family) == announced[(int)family] && update.Withdrawn(family) == withdrawn[(int)family], "prefixes are miscounted");
        Require(error.IsNone && (update.EndOfRib is null || announced.Sum() + withdrawn.Sum() == 0), "an end with prefixes");
        var attributes = 0;
        foreach (var attribute in update.Attributes)
            attributes += attribute.Bytes.Length;
        Require(attributes <= message.Length - UpdateMessage.MinSize, "attributes beyond the message");
        return error;
    }

    private static BgpError Notification(ReadOnlySpan<byte> message)
    {
        Require(NotificationMessage.TryParse(message, out var notification), "a NOTIFICATION is not taken");
        Require(notification.ToString().Length > 0 && notification.Communication?.Any(char.IsControl) is not true, "it says something that it should not");
        var written = new byte[BgpFraming.Longest];
        var size = NotificationMessage.Write(written, new BgpError(notification.Code, notification.Subcode, notification.Data, ""));
        Require(message.SequenceEqual(written.AsSpan(0, size)), "what is written is another NOTIFICATION");
        return BgpError.None;
    }

    private static BgpError RouteRefresh(ReadOnlySpan<byte> message)
    {
        Require(RouteRefreshMessage.TryParse(message, out var refresh, out var error), "a ROUTE-REFRESH is not taken");
        var written = new byte[RouteRefreshMessage.Size];
        refresh.WriteTo(written);
        Require(message.SequenceEqual(written), "what is written is another ROUTE-REFRESH");
        return error;
    }

    private static string Refused(BgpError error)
    {
        Require(!error.IsNone && error.Reason.Length > 0, "refused without a reason");
        var written = new byte[BgpFraming.Longest];
        var size = NotificationMessage.Write(written, error);
        Require(NotificationMessage.TryParse(written.AsSpan(0, size), out var sent) && sent.Code == error.Code && sent.Subcode == error.Subcode, "the answer is none");
        return BgpErrorText.Of(error.Code, error.Subcode);
    }

    // Markers, types, and the lengths of messages and of the only field behind the fixed ones: behind them is what is worth trying.
    private static void Repair(Span<byte> bytes)
    {
        while (bytes.Length >= BgpFraming.HeaderSize)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[16..]);
            if (length < BgpFraming.HeaderSize || length > bytes.Length)
                length = (ushort)bytes.Length;
            BgpFraming.WriteHeader(bytes, (BgpMessageType)(1 + (bytes[18] + 4) % 5), length);
            if ((BgpMessageType)bytes[18] is BgpMessageType.Open && length is >= OpenMessage.MinSize and <= OpenMessage.MaxSize)
                (bytes[19], bytes[28]) = (4, (byte)(length - OpenMessage.MinSize));
            bytes = bytes[length..];
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidOperationException(otherwise);
    }
}
