using System.Security.Cryptography;
using System.Text;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>One chain of the <see cref="Shape"/> with its rules; a base chain where it has a hook.</summary>
internal sealed record ShapeChain(string Name, IReadOnlyList<NftRule> Rules, NftHook? Hook = null, int Priority = 0)
{
    /// <summary>A base chain that sees every packet (type <c>filter</c>), not only the first of a connection (type <c>nat</c>).</summary>
    internal bool IsFilter { get; init; }

    // libnftnl's type-length-value form; readers skip types they do not know.
    private const byte CommentType = 0;
    private const byte FingerprintType = 0x50;

    /// <summary>Kept with a rule in the kernel: its comment, and what tells it from any other when we start.</summary>
    internal static byte[] UserData(NftRule rule)
    {
        byte[] comment = rule.Comment is { } text ? [CommentType, (byte)(text.Length + 1), .. Encoding.ASCII.GetBytes(text), 0] : [];
        return [.. comment, FingerprintType, 8, .. SHA256.HashData(rule.Expressions).AsSpan(0, 8)];
    }
}
