using System.Buffers.Binary;
using System.Text;

namespace Portolan.Lab.Dns;

/// <summary>Record types (RFC 1035 §3.2.2, RFC 3596, RFC 2782, RFC 6891).</summary>
public enum DnsType : ushort
{
    A = 1,
    Cname = 5,
    Soa = 6,
    Ptr = 12,
    Aaaa = 28,
    Srv = 33,
    Opt = 41,
    Any = 255,
}

/// <summary>Response codes (RFC 1035 §4.1.1).</summary>
public enum DnsCode : byte
{
    NoError = 0,
    FormatError = 1,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
}

/// <summary>The one question of a query.</summary>
/// <param name="Id">Copied into the answer.</param>
/// <param name="RecursionDesired">Copied into the answer.</param>
/// <param name="Name">Lower case, without the final dot.</param>
/// <param name="Type">What is asked for.</param>
/// <param name="Length">How many bytes of the query the header and the question take: they begin the answer.</param>
/// <param name="MaximumSize">The longest answer over UDP: 512, or what EDNS(0) offers, at most 1232.</param>
/// <param name="HasEdns">The query carried an OPT record, so the answer does.</param>
internal readonly record struct DnsQuestion(ushort Id, bool RecursionDesired, string Name, DnsType Type, int Length, int MaximumSize, bool HasEdns);

/// <summary>One record of an answer.</summary>
/// <param name="Name">The owner, without the final dot.</param>
/// <param name="Type">The record's type.</param>
/// <param name="Data">RDATA, uncompressed.</param>
internal readonly record struct DnsRecord(string Name, DnsType Type, byte[] Data);

/// <summary>Reads queries and writes answers (RFC 1035 §4).</summary>
internal static class DnsMessage
{
    private const int HeaderSize = 12;
    private const int TimeToLive = 5;

    /// <returns>NoError and a question; FormatError or NotImplemented for what must be answered so; null for what is no query at all.</returns>
    public static DnsCode? TryParse(ReadOnlySpan<byte> bytes, out DnsQuestion question)
    {
        question = default;
        if (bytes.Length < HeaderSize || (bytes[2] & 0x80) != 0)
            return null;
        var id = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        question = new DnsQuestion(id, (bytes[2] & 1) != 0, "", 0, HeaderSize, 512, false);
        if (((bytes[2] >> 3) & 0xF) != 0)
            return DnsCode.NotImplemented;
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) != 1)
            return DnsCode.FormatError;
        var at = HeaderSize;
        if (ReadName(bytes, ref at) is not { } name || bytes.Length < at + 4)
            return DnsCode.FormatError;
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
        at += 4;
        var size = EdnsSize(bytes, at);
        question = question with { Name = name, Type = type, Length = at, HasEdns = size is not null, MaximumSize = Math.Clamp(size ?? 512, 512, 1232) };
        return DnsCode.NoError;
    }

    /// <summary>The answer; over UDP one that does not fit is truncated, so that the client asks again over TCP.</summary>
    public static byte[] Answer(ReadOnlySpan<byte> query, in DnsQuestion question, DnsCode code, IReadOnlyList<DnsRecord> answers, DnsRecord? authority, int maximumSize)
    {
        var message = new MemoryStream(512);
        message.Write(query[..question.Length]);
        var count = 0;
        var truncated = false;
        var room = maximumSize - (question.HasEdns ? 11 : 0);
        foreach (var answer in answers)
        {
            truncated = !TryWrite(message, question, answer, room);
            if (truncated)
                break;
            count++;
        }

        var authorities = !truncated && authority is { } soa && TryWrite(message, question, soa, room) ? 1 : 0;
        if (question.HasEdns)
            message.Write([0, 0, (byte)DnsType.Opt, 1232 >> 8, 1232 & 0xFF, 0, 0, 0, 0, 0, 0]);
        var bytes = message.ToArray();
        bytes[2] = (byte)(0x80 | (code is DnsCode.Refused or DnsCode.FormatError or DnsCode.NotImplemented ? 0 : 4) | (truncated ? 2 : 0) | (question.RecursionDesired ? 1 : 0));
        bytes[3] = (byte)code;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)(question.Length > HeaderSize ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)count);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(8), (ushort)authorities);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), (ushort)(question.HasEdns ? 1 : 0));
        return bytes;
    }

    /// <summary>A name as RDATA: length-prefixed labels.</summary>
    public static byte[] EncodeName(string name)
    {
        var bytes = new MemoryStream(name.Length + 2);
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.WriteByte((byte)label.Length);
            bytes.Write(Encoding.ASCII.GetBytes(label));
        }

        bytes.WriteByte(0);
        return bytes.ToArray();
    }

    private static bool TryWrite(MemoryStream message, in DnsQuestion question, in DnsRecord record, int room)
    {
        // The owner is nearly always the name that was asked for: a pointer to the question says so in two bytes.
        var owner = record.Name == question.Name ? [0xC0, HeaderSize] : EncodeName(record.Name);
        if (message.Length + owner.Length + 10 + record.Data.Length > room)
            return false;
        Span<byte> fixedPart = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart, (ushort)record.Type);
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart[2..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(fixedPart[4..], TimeToLive);
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart[8..], (ushort)record.Data.Length);
        message.Write(owner);
        message.Write(fixedPart);
        message.Write(record.Data);
        return true;
    }

    // Names in questions are not compressed: a pointer there is an error, and no loop can be built.
    private static string? ReadName(ReadOnlySpan<byte> bytes, ref int at)
    {
        var name = new StringBuilder();
        while (at < bytes.Length)
        {
            var length = bytes[at++];
            if (length == 0)
                return name.ToString();
            if (length > 63 || at + length > bytes.Length || name.Length + length > 254)
                return null;
            if (name.Length > 0)
                name.Append('.');
            foreach (var octet in bytes.Slice(at, length))
            {
                if (octet is < 0x21 or > 0x7E or (byte)'.')
                    return null;
                name.Append(char.ToLowerInvariant((char)octet));
            }

            at += length;
        }

        return null;
    }

    private static int? EdnsSize(ReadOnlySpan<byte> bytes, int at)
    {
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) != 0 || BinaryPrimitives.ReadUInt16BigEndian(bytes[8..]) != 0 || BinaryPrimitives.ReadUInt16BigEndian(bytes[10..]) == 0)
            return null;
        return bytes.Length >= at + 11 && bytes[at] == 0 && BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 1)..]) == (ushort)DnsType.Opt
            ? BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 3)..])
            : null;
    }
}
