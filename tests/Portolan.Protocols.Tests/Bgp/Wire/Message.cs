using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Wire;

/// <summary>Whole messages around literal bodies.</summary>
internal static class Message
{
    public const string Marker = "ffffffffffffffffffffffffffffffff";

    /// <summary>An OPEN of AS 65001 with a hold time of 180 s and identifier 192.168.100.1, up to where the optional parameters begin.</summary>
    public const string OpenStart = "04 fde9 00b4 c0a86401";

    public static byte[] Of(BgpMessageType type, string body)
    {
        var bytes = Hex.Bytes($"{Marker} 0000 {(byte)type:x2} {body}");
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(16), (ushort)bytes.Length);
        return bytes;
    }

    /// <summary>An UPDATE; the lengths of its fields are put in.</summary>
    public static byte[] Update(string withdrawn, string attributes, string announced) =>
        Of(BgpMessageType.Update, $"{Size(withdrawn):x4} {withdrawn} {Size(attributes):x4} {attributes} {announced}");

    private static int Size(string bytes) => Hex.Bytes(bytes).Length;
}
