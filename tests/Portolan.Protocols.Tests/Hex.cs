namespace Portolan.Protocols.Tests;

/// <summary>Literal bytes, written with spaces where the fields end.</summary>
internal static class Hex
{
    public static byte[] Bytes(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
