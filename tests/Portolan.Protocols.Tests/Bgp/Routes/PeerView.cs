using System.Buffers.Binary;
using System.Globalization;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Routes;

/// <summary>What a peer has been told of a route.</summary>
internal sealed record Told(string NextHop, string Path, uint? Med, uint? LocalPref, string Communities, string Extended, string Large)
{
    /// <summary>What a peer should have been told, by the standards' rules and not by how it is written.</summary>
    public static Told Expected(BgpPrefix prefix, PathAttributes attributes, EncodingTerms terms)
    {
        var hop = prefix.Family is BgpFamily.IPv4Unicast ? terms.IPv4NextHop! : terms.IPv6NextHop!;
        var bytes = new byte[hop.Size];
        hop.WriteTo(bytes);
        var path = terms.IsInternal ? [] : Enumerable.Repeat(terms.LocalAsn, 1 + attributes.Prepend).Concat(terms.RealAsn is { } real ? [real] : []);
        IEnumerable<uint> graceful = attributes.GracefulShutdown ? [0xffff0000u] : [];
        return new Told(
            Convert.ToHexString(bytes),
            string.Join(' ', path),
            attributes.Med,
            !terms.IsInternal ? null : attributes.GracefulShutdown ? 0 : attributes.LocalPref ?? 100,
            string.Join(' ', attributes.Communities.Concat(graceful).Distinct().Order()),
            string.Join(' ', attributes.ExtendedCommunities),
            string.Join(' ', attributes.LargeCommunities));
    }
}

/// <summary>A peer that reads UPDATEs as strictly as the strictest router, and remembers. It shares no code with what writes them.</summary>
internal sealed class PeerView(EncodingTerms terms)
{
    private readonly HashSet<BgpPrefix> _stale = [];

    public Dictionary<BgpPrefix, Told> Routes { get; private set; } = [];
    public int Messages { get; private set; }
    public int Longest { get; private set; }

    /// <summary>From now on, until <see cref="Sweep"/>, what is not told anew is old.</summary>
    public void MarkStale(Func<BgpPrefix, bool> which) => _stale.UnionWith(Routes.Keys.Where(which));

    public void Sweep()
    {
        foreach (var prefix in _stale)
            Routes.Remove(prefix);
        _stale.Clear();
    }

    /// <summary>The peer of a new session, which has kept all routes of the last one.</summary>
    public PeerView Reconnected()
    {
        var view = new PeerView(terms) { Routes = Routes };
        view._stale.UnionWith(Routes.Keys);
        return view;
    }

    public PeerView Receive(ReadOnlySpan<byte> stream)
    {
        while (!stream.IsEmpty)
        {
            var size = BinaryPrimitives.ReadUInt16BigEndian(stream[16..]);
            Assert.InRange(size, 23, terms.LongestSent);
            Assert.Equal(-1, stream[..16].IndexOfAnyExcept((byte)0xff));
            Assert.Equal(2, stream[18]);
            ReceiveUpdate(stream[19..size]);
            stream = stream[size..];
            Messages++;
            Longest = Math.Max(Longest, size);
        }

        return this;
    }

    private void ReceiveUpdate(ReadOnlySpan<byte> body)
    {
        var withdrawn = Cut(ref body, BinaryPrimitives.ReadUInt16BigEndian(Cut(ref body, 2)));
        var attributes = Cut(ref body, BinaryPrimitives.ReadUInt16BigEndian(Cut(ref body, 2)));
        Withdraw(BgpFamily.IPv4Unicast, withdrawn);

        var told = new Told("", "", null, null, "", "", "");
        string? path = null, path4 = null;
        (BgpFamily Family, byte[] Hop, byte[] Nlri)? reach = null;
        var (last, count, hasOrigin) = (0, 0, false);
        while (!attributes.IsEmpty)
        {
            var (flags, type) = (attributes[0], attributes[1]);
            Cut(ref attributes, 2);
            var isLong = (flags & 0x10) != 0;
            var value = Cut(ref attributes, isLong ? BinaryPrimitives.ReadUInt16BigEndian(Cut(ref attributes, 2)) : Cut(ref attributes, 1)[0]);
            Assert.Equal(value.Length > 255, isLong);
            Assert.Equal(type switch { 1 or 2 or 3 or 5 => 0x40, 4 or 14 or 15 => 0x80, _ => 0xc0 }, flags & ~0x10);
            if (type is 14 or 15)
                Assert.Equal(0, count);
            else
                Assert.InRange(type, last + 1, 255);
            (last, count) = (type is 14 or 15 ? 0 : type, count + 1);
            switch (type)
            {
                case 1:
                    Assert.Equal([0], value.ToArray());
                    hasOrigin = true;
                    break;
                case 2:
                    path = Path(value, terms.FourOctetAsn ? 4 : 2);
                    break;
                case 3:
                    Assert.Equal(4, value.Length);
                    told = told with { NextHop = Convert.ToHexString(value) };
                    break;
                case 4:
                    told = told with { Med = BinaryPrimitives.ReadUInt32BigEndian(value) };
                    break;
                case 5:
                    told = told with { LocalPref = BinaryPrimitives.ReadUInt32BigEndian(value) };
                    break;
                case 8:
                    told = told with { Communities = Join(value, 4, v => BinaryPrimitives.ReadUInt32BigEndian(v).ToString(CultureInfo.InvariantCulture)) };
                    break;
                case 14:
                    Assert.InRange(value[3], 16, 32);
                    reach = (Family(value), value.Slice(4, value[3]).ToArray(), value[(5 + value[3])..].ToArray());
                    break;
                case 15:
                    Withdraw(Family(value), value[3..]);
                    break;
                case 16:
                    told = told with { Extended = Join(value, 8, v => BinaryPrimitives.ReadUInt64BigEndian(v).ToString(CultureInfo.InvariantCulture)) };
                    break;
                case 17:
                    Assert.False(terms.FourOctetAsn);
                    path4 = Path(value, 4);
                    break;
                case 32:
                    told = told with
                    {
                        Large = Join(value, 12, v =>
                            $"{BinaryPrimitives.ReadUInt32BigEndian(v)}:{BinaryPrimitives.ReadUInt32BigEndian(v[4..])}:{BinaryPrimitives.ReadUInt32BigEndian(v[8..])}"),
                    };
                    break;
                default:
                    Assert.Fail($"attribute {type}");
                    break;
            }
        }

        if (body.IsEmpty && reach is null)
            return;
        Assert.True(hasOrigin && path is not null);
        Assert.NotEqual(body.IsEmpty, reach is null);
        Assert.Equal(body.IsEmpty, told.NextHop.Length == 0);
        told = told with { Path = path4 ?? path! };
        Announce(BgpFamily.IPv4Unicast, body, told);
        if (reach is { } routes)
            Announce(routes.Family, routes.Nlri, told with { NextHop = Convert.ToHexString(routes.Hop) });
    }

    private void Announce(BgpFamily family, ReadOnlySpan<byte> nlri, Told told)
    {
        while (!nlri.IsEmpty)
        {
            var prefix = Prefix(family, ref nlri);
            Routes[prefix] = told;
            _stale.Remove(prefix);
        }
    }

    private void Withdraw(BgpFamily family, ReadOnlySpan<byte> nlri)
    {
        while (!nlri.IsEmpty)
            Routes.Remove(Prefix(family, ref nlri));
    }

    private static BgpPrefix Prefix(BgpFamily family, ref ReadOnlySpan<byte> nlri)
    {
        var length = Cut(ref nlri, 1)[0];
        var address = UInt128.Zero;
        var width = family is BgpFamily.IPv4Unicast ? 4 : 16;
        var bytes = Cut(ref nlri, (length + 7) / 8);
        for (var i = 0; i < width; i++)
            address = address << 8 | (i < bytes.Length ? bytes[i] : (UInt128)0);
        var prefix = new BgpPrefix(family, address, length);
        Assert.Equal(address, prefix.Address);
        return prefix;
    }

    private static BgpFamily Family(ReadOnlySpan<byte> value)
    {
        Assert.Equal(0, value[0]);
        Assert.InRange(value[1], 1, 2);
        Assert.Equal(1, value[2]);
        return value[1] == 1 ? BgpFamily.IPv4Unicast : BgpFamily.IPv6Unicast;
    }

    private static string Path(ReadOnlySpan<byte> value, int width)
    {
        if (value.IsEmpty)
            return "";
        Assert.Equal(2, value[0]);
        Assert.Equal(value.Length, 2 + value[1] * width);
        return Join(value[2..], width, v =>
            (width == 4 ? BinaryPrimitives.ReadUInt32BigEndian(v) : BinaryPrimitives.ReadUInt16BigEndian(v)).ToString(CultureInfo.InvariantCulture));
    }

    private delegate string Show(ReadOnlySpan<byte> value);

    private static string Join(ReadOnlySpan<byte> value, int width, Show show)
    {
        var parts = new List<string>();
        while (!value.IsEmpty)
            parts.Add(show(Cut(ref value, width)));
        return string.Join(' ', parts);
    }

    private static ReadOnlySpan<byte> Cut(ref ReadOnlySpan<byte> bytes, int size)
    {
        var head = bytes[..size];
        bytes = bytes[size..];
        return head;
    }
}
