using System.Security.Cryptography;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>One chain of the <see cref="Shape"/> with its rules; a base chain of type <c>nat</c> where it has a hook.</summary>
internal sealed record ShapeChain(string Name, IReadOnlyList<NftRule> Rules, NftHook? Hook = null, int Priority = 0)
{
    // libnftnl's type-length-value form; readers skip types they do not know.
    private const byte FingerprintType = 0x50;

    /// <summary>Tells a rule of ours from any other: kept with the rule in the kernel, compared when we start.</summary>
    internal static byte[] Fingerprint(NftRule rule) => [FingerprintType, 8, .. SHA256.HashData(rule.Expressions).AsSpan(0, 8)];
}
