using System.Text;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Pieces of gnostic's protobuf messages.</summary>
internal static class Gnostic
{
    public static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    /// <summary>A length-delimited field: its tag, its length, its bytes.</summary>
    public static byte[] Field(int number, byte[] value) => [.. Varint(((uint)number << 3) | 2), .. Varint((uint)value.Length), .. value];

    public static byte[] Field(int number, bool value) => [.. Varint((uint)number << 3), value ? (byte)1 : (byte)0];

    /// <summary>NamedAny: a vendor extension, its value in YAML.</summary>
    public static byte[] Extension(string name, string yaml) => [.. Field(1, name), .. Field(2, Field(2, yaml))];

    private static byte[] Varint(uint value)
    {
        var bytes = new List<byte>(5);
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
