using System.Text;
using Portolan.Core.Addresses;

namespace Portolan.Proxy.Health;

/// <summary>What is read of a request. Headers and body do not matter to anything that is served here.</summary>
/// <param name="Path">The target's path, without query.</param>
/// <param name="IsHead">The method is HEAD.</param>
/// <param name="Family">By which family the client came.</param>
internal readonly record struct ProbeRequest(string Path, bool IsHead, IpFamily Family)
{
    /// <summary>The longest head that is read, bytes.</summary>
    internal const int LongestHead = 8192;

    /// <summary>Whether these bytes hold the head to its end: an empty line (RFC 9112 §2.1; a bare LF counts, §2.2).</summary>
    internal static bool IsComplete(ReadOnlySpan<byte> bytes) => bytes.IndexOf("\n\r\n"u8) >= 0 || bytes.IndexOf("\n\n"u8) >= 0;

    /// <returns>False where the first line is not that of an HTTP/1 request.</returns>
    internal static bool TryParse(ReadOnlySpan<byte> head, IpFamily family, out ProbeRequest request)
    {
        request = default;
        var end = head.IndexOf((byte)'\n');
        if (end < 0)
            return false;
        var line = head[..end].TrimEnd((byte)'\r');
        var first = line.IndexOf((byte)' ');
        var last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last <= first + 1 || !line[(last + 1)..].StartsWith("HTTP/1."u8))
            return false;
        var target = line[(first + 1)..last];
        if (target.IndexOfAnyExceptInRange((byte)0x21, (byte)0x7e) >= 0)
            return false;
        if (target[0] != '/' && target.IndexOf("://"u8) is > 0 and var scheme)
            target = target[(scheme + 3)..].IndexOf((byte)'/') is >= 0 and var slash ? target[(scheme + 3 + slash)..] : "/"u8;
        if (target.IndexOf((byte)'?') is >= 0 and var query)
            target = target[..query];
        request = new ProbeRequest(Encoding.ASCII.GetString(target), line[..first].SequenceEqual("HEAD"u8), family);
        return true;
    }
}
