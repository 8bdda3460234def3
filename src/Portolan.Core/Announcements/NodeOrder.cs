using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Portolan.Core.Announcements;

/// <summary>The order of nodes for an address, MetalLB's: ascending SHA-256 of <c>node#address</c>.</summary>
internal static class NodeOrder
{
    private const int LongestOnStack = 1024;

    /// <summary>The first 8 bytes of a node's digest, as a number: all that is compared, but for a chance of one in 2^64.</summary>
    /// <param name="node">The node's name.</param>
    /// <param name="salt"><c>#address</c>.</param>
    public static ulong Of(string node, string salt)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(node, salt, digest);
        return BinaryPrimitives.ReadUInt64BigEndian(digest);
    }

    /// <summary>Compares two nodes by their whole digests.</summary>
    public static int Compare(string left, string right, string salt)
    {
        Span<byte> digests = stackalloc byte[2 * SHA256.HashSizeInBytes];
        Hash(left, salt, digests[..SHA256.HashSizeInBytes]);
        Hash(right, salt, digests[SHA256.HashSizeInBytes..]);
        return digests[..SHA256.HashSizeInBytes].SequenceCompareTo(digests[SHA256.HashSizeInBytes..]);
    }

    private static void Hash(string node, string salt, Span<byte> digest)
    {
        var longest = Encoding.UTF8.GetMaxByteCount(node.Length + salt.Length);
        Span<byte> text = longest <= LongestOnStack ? stackalloc byte[LongestOnStack] : new byte[longest];
        var length = Encoding.UTF8.GetBytes(node, text);
        length += Encoding.UTF8.GetBytes(salt, text[length..]);
        SHA256.HashData(text[..length], digest);
    }
}
