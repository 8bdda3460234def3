using System.Security.Cryptography;
using Portolan.Protocols.Bfd;

namespace Portolan.Fuzz;

/// <summary>
/// BFD sessions with three peers: one without a key, one with keyed SHA1, one with meticulous keyed SHA1. An input is a conversation:
/// <code>| peer | hundredths of a second before it | length | UDP payload | the next … |</code>
/// Its corpus is what another engine said to this one.
/// </summary>
internal static class BfdTarget
{
    private const int Header = 3;
    private const int SectionSize = BfdPacket.Size + BfdKey.SectionSize;
    private const int DigestOffset = SectionSize - SHA1.HashSizeInBytes;
    private static readonly BfdKey?[] Keys = [null, new BfdKey(1, "secret"u8, meticulous: false), new BfdKey(2, "another"u8)];

    public static PacketTarget Create() => new(Converse, Repair);

    /// <summary>The engine that each input speaks to: always with the same discriminators, so that an input can name them.</summary>
    internal static BfdEngine<int> Engine()
    {
        var engine = new BfdEngine<int>(BfdSettings.Every(100, 3), new Random(1));
        for (var peer = 0; peer < Keys.Length; peer++)
            engine.Add(peer, BfdSettings.Every(100, 3), Keys[peer], 0);
        return engine;
    }

    private static string Converse(byte[] bytes)
    {
        var (engine, now, verdict) = (Engine(), 0L, "Nothing");
        Drain(engine, now);
        for (var rest = bytes.AsSpan(); rest.Length > Header;)
        {
            now += rest[1] * 10_000;
            Drain(engine, now);
            var datagram = rest.Slice(Header, Math.Min(rest[2], rest.Length - Header));
            verdict = engine.Receive(rest[0] % Keys.Length, datagram, now).ToString();
            Drain(engine, now);
            rest = rest[(Header + datagram.Length)..];
        }

        // Whatever was said: after the longest silence that a packet can ask for, nobody is up.
        Drain(engine, now + 255L * uint.MaxValue);
        foreach (var peer in engine.Peers)
            Require(engine.TryGet(peer, out var session) && session.State is BfdState.Down, "a session lives on in silence");
        return verdict;
    }

    private static void Drain(BfdEngine<int> engine, long now)
    {
        Span<byte> buffer = stackalloc byte[BfdPacket.MaxSize];
        var sent = 0;
        for (; engine.TryTakePacket(now, buffer, out var peer, out var length); sent++)
            Require(
                BfdPacket.TryParse(buffer[..length], out var packet) is BfdRejection.None && packet.Length == length && packet.Has(BfdFlags.Authentication) == (Keys[peer] is not null),
                "what is sent is no packet");
        Require(sent <= 2 * Keys.Length, "more is sent at once than a final and a periodic packet");
        Require(engine.Deadline > now, "it has no rest");
        for (var transitions = 0; engine.TryTakeTransition(out var transition); transitions++)
            Require(transition.State <= BfdState.Up && transitions < 100, "a state that there is not");
    }

    // The version, the length and the digest: behind them is what is worth trying.
    private static void Repair(Span<byte> bytes)
    {
        for (var rest = bytes; rest.Length > Header;)
        {
            var datagram = rest.Slice(Header, Math.Min(rest[2], rest.Length - Header));
            if (datagram.Length >= BfdPacket.Size)
            {
                datagram[0] = (byte)(datagram[0] & 0x1f | 0x20);
                datagram[3] = (byte)datagram.Length;
                if (Keys[rest[0] % Keys.Length] is { } key && datagram.Length == SectionSize)
                    Sign(datagram, key);
            }

            rest = rest[(Header + datagram.Length)..];
        }
    }

    private static void Sign(Span<byte> packet, BfdKey key)
    {
        packet[1] |= (byte)BfdFlags.Authentication;
        ReadOnlySpan<byte> section = [(byte)(key.IsMeticulous ? 5 : 4), BfdKey.SectionSize, key.Id, 0];
        section.CopyTo(packet[BfdPacket.Size..]);
        key.Secret.CopyTo(packet[DigestOffset..]);
#pragma warning disable CA5350 // RFC 5880 knows no stronger digest.
        SHA1.HashData(packet).CopyTo(packet[DigestOffset..]);
#pragma warning restore CA5350
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidOperationException(otherwise);
    }
}
