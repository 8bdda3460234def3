using Portolan.Protocols.Bfd;

namespace Portolan.Bfd.Frames;

/// <summary>
/// A session that is to be held:
/// <code>| name | desired min tx (4) | required min rx (4) | multiplier (1) | passive (1) | minimum TTL (1) | authentication (1): 0, 4 or 5 as in RFC 5880 §4.1 | then, not for 0: key id (1) | secret (20) |</code>
/// </summary>
internal static class WishFrame
{
    private const byte None = 0;
    private const byte Keyed = 4;
    private const byte Meticulous = 5;

    /// <summary>The longest interval anybody means, in microseconds: MetalLB's BFDProfile ends at 60 s.</summary>
    private const uint LongestInterval = 60_000_000;

    public static bool TryParse(ReadOnlySpan<byte> body, out SessionWish wish)
    {
        var reader = new FrameReader(body);
        var name = reader.Name();
        var settings = new BfdSettings(reader.Number32(), reader.Number32(), reader.Byte()) { Passive = reader.Flag() };
        var minimumTtl = reader.Byte();
        var authentication = reader.Byte();
        BfdKey? key = null;
        if (authentication is Keyed or Meticulous)
            key = new BfdKey(reader.Byte(), reader.Take(BfdKey.MaxSecretSize), authentication is Meticulous);
        wish = new SessionWish(name, settings, key, minimumTtl);
        return reader.IsWhole && authentication is None or Keyed or Meticulous && name.Local.Family == name.Peer.Family
            && settings.DesiredMinTx is > 0 and <= LongestInterval && settings.RequiredMinRx <= LongestInterval && settings.DetectMultiplier > 0 && minimumTtl is > 0 and < byte.MaxValue;
    }

    /// <returns>The frame's size.</returns>
    public static int Write(Span<byte> frame, SessionWish wish)
    {
        var writer = new FrameWriter(frame);
        writer.Name(wish.Name);
        writer.Number32(wish.Settings.DesiredMinTx);
        writer.Number32(wish.Settings.RequiredMinRx);
        writer.Byte(wish.Settings.DetectMultiplier);
        writer.Flag(wish.Settings.Passive);
        writer.Byte(wish.MinimumTtl);
        writer.Byte(wish.Key is null ? None : wish.Key.IsMeticulous ? Meticulous : Keyed);
        if (wish.Key is not null)
        {
            writer.Byte(wish.Key.Id);
            writer.Bytes(wish.Key.Secret);
        }

        return writer.Finish(FrameKind.Want);
    }
}
