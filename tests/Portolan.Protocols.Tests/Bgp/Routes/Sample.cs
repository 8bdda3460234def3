using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Routes;

/// <summary>Prefixes and peers to try things with.</summary>
internal static class Sample
{
    public const uint Asn = 65001;

    /// <summary>2001:db8::1.</summary>
    public static readonly UInt128 Global = new(0x2001_0db8_0000_0000, 1);

    /// <summary>fe80::2.</summary>
    public static readonly UInt128 LinkLocal = new(0xfe80_0000_0000_0000, 2);

    /// <summary>An eBGP peer, four-octet, both families, each with a next hop of its own.</summary>
    public static readonly EncodingTerms External = new()
    {
        IsInternal = false,
        LocalAsn = Asn,
        FourOctetAsn = true,
        IPv4NextHop = NextHop.IPv4(0x0a000001),
        IPv6NextHop = NextHop.IPv6(NextHopForm.Global, Global, default),
    };

    public static readonly EncodingTerms Internal = External with { IsInternal = true };

    /// <summary>192.0.2.1/32, then 192.0.2.2/32 and so on.</summary>
    public static BgpPrefix IPv4(int number = 0) => new(BgpFamily.IPv4Unicast, 0xc0000201u + (uint)number, 32);

    /// <summary>2001:db8:1::1/128 and so on.</summary>
    public static BgpPrefix IPv6(int number = 0) => new(BgpFamily.IPv6Unicast, new UInt128(0x2001_0db8_0001_0000, 1 + (ulong)number), 128);

    public static RouteTable Table(params BgpPrefix[] prefixes)
    {
        var table = new RouteTable();
        foreach (var prefix in prefixes)
            table.Set(prefix, PathAttributes.Default);
        return table;
    }

    /// <summary>All that is to be sent.</summary>
    public static byte[] Drain(this RouteReader reader)
    {
        var bytes = new List<byte>();
        var buffer = new byte[64 * 1024];
        for (int size; (size = reader.Fill(buffer)) > 0;)
            bytes.AddRange(buffer.AsSpan(0, size));
        return [.. bytes];
    }

    /// <summary>All that a new peer is sent.</summary>
    public static byte[] Dump(this RouteTable table, EncodingTerms terms)
    {
        using var reader = table.Read(terms);
        return reader.Drain();
    }
}
