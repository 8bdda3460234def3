using System.Buffers.Binary;
using System.Text;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Peers;

/// <summary>A node's report as the payloads of records, and back.</summary>
internal static class ReportParts
{
    /// <summary>The payloads that say it: as few as can be. What is beyond <see cref="ReportMessage.MaxParts"/> of them is left out.</summary>
    public static IReadOnlyList<byte[]> Write(NodeReport report)
    {
        var parts = new List<byte[]>();
        var buffer = new byte[PeerRecord.MaxPayloadSize];
        var size = ReportMessage.HeaderSize;
        Span<byte> value = stackalloc byte[16];
        foreach (var service in report.Unprogrammed.Order())
        {
            BinaryPrimitives.WriteUInt64BigEndian(value, service);
            Add(parts, buffer, ref size, ReportEntryType.Unprogrammed, value[..8]);
        }

        foreach (var policy in report.HeldBack.Order(StringComparer.Ordinal))
            Add(parts, buffer, ref size, ReportEntryType.HeldBack, Encoding.UTF8.GetBytes(policy));
        foreach (var address in report.Yielded.Order())
        {
            address.WriteTo(value);
            Add(parts, buffer, ref size, ReportEntryType.Yielded, value[..address.Size]);
        }

        if (parts.Count < ReportMessage.MaxParts)
            parts.Add(buffer[..size]);
        foreach (var part in parts)
            ReportMessage.WriteHeader(part, (byte)parts.Count, (ushort)report.Conditions, report.Standing);
        return parts;
    }

    /// <summary>The report that payloads say, as far as they are there.</summary>
    public static NodeReport Read(IEnumerable<byte[]> parts)
    {
        var conditions = NodeConditions.None;
        var standing = 0L;
        var unprogrammed = new HashSet<ulong>();
        var heldBack = new HashSet<string>(StringComparer.Ordinal);
        var yielded = new HashSet<IpAddress>();
        foreach (var part in parts)
        {
            if (!ReportMessage.TryParse(part, out var message))
                continue;
            conditions |= (NodeConditions)message.Conditions;
            standing = message.Standing;
            foreach (var entry in message)
            {
                switch (entry.Type)
                {
                    case ReportEntryType.Unprogrammed when unprogrammed.Count < NodeReport.MostUnprogrammed:
                        unprogrammed.Add(BinaryPrimitives.ReadUInt64BigEndian(entry.Value));
                        break;
                    case ReportEntryType.HeldBack:
                        heldBack.Add(Encoding.UTF8.GetString(entry.Value));
                        break;
                    case ReportEntryType.Yielded:
                        yielded.Add(IpAddress.Read(entry.Value));
                        break;
                }
            }
        }

        return new NodeReport { Conditions = conditions, Standing = standing, Unprogrammed = unprogrammed, HeldBack = heldBack, Yielded = yielded };
    }

    private static void Add(List<byte[]> parts, byte[] buffer, ref int size, ReportEntryType type, ReadOnlySpan<byte> value)
    {
        if (parts.Count == ReportMessage.MaxParts)
            return;
        if (!ReportMessage.TryWriteEntry(buffer.AsSpan(size), type, value, out var more))
        {
            parts.Add(buffer[..size]);
            size = ReportMessage.HeaderSize;
            if (parts.Count == ReportMessage.MaxParts || !ReportMessage.TryWriteEntry(buffer.AsSpan(size), type, value, out more))
                return;
        }

        size += more;
    }
}
