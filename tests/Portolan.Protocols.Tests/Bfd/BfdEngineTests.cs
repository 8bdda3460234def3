using System.Buffers.Binary;
using CsCheck;
using Portolan.Protocols.Bfd;

namespace Portolan.Protocols.Tests.Bfd;

public sealed class BfdEngineTests
{
    private const long Ms = 1000;

    [Fact]
    public void GivesEachSessionItsOwnSettingsAndKey()
    {
        var engine = new BfdEngine<int>(BfdSettings.Every(300, 3), new Random(1));
        engine.Add(1, BfdSettings.Every(50, 5), new BfdKey(7, "secret"u8), 0);
        engine.Add(2, 0);
        Assert.False(engine.Add(1, 0));
        var packets = TakeAll(engine, 0);
        Assert.Equal([1, 2], packets.Keys.Order());
        Assert.Equal((5, 50_000u, 52), (packets[1].DetectMultiplier, packets[1].RequiredMinRx, packets[1].Length));
        Assert.Equal((3, 300_000u, 24), (packets[2].DetectMultiplier, packets[2].RequiredMinRx, packets[2].Length));
    }

    [Fact]
    public void RefusesADiscriminator_OfWhomItDoesNotBelongTo()
    {
        var engine = new BfdEngine<int>(BfdSettings.Every(300, 3), new Random(1), static (peer, source) => peer == source);
        engine.Add(1, 0);
        engine.Add(2, 0);
        var packet = Hex.Bytes("20 40 03 18 00000001 00000000 000f4240 000493e0 00000000");
        engine.TryGet(1, out var session);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), session!.Discriminator);
        Assert.Equal(BfdRejection.NoSession, engine.Receive(2, packet, 0));
        Assert.Equal(BfdRejection.NoSession, engine.Receive(3, packet, 0));
        Assert.Equal(BfdRejection.None, engine.Receive(1, packet, 0));
    }

    [Fact]
    public void ReportsASessionAsItIs()
    {
        var engine = new BfdEngine<int>(BfdSettings.Every(300, 3), new Random(1));
        engine.Add(1, 0);
        engine.Report(2);
        engine.Report(1);
        Assert.True(engine.TryTakeTransition(out var transition));
        Assert.Equal(new BfdTransition<int>(1, BfdState.Down, BfdState.Down, BfdDiagnostic.None, BfdState.Down), transition);
        Assert.False(engine.TryTakeTransition(out _));
    }

    [Fact]
    public void SaysNothingMoreToAForgottenPeer()
    {
        var engine = new BfdEngine<int>(BfdSettings.Every(300, 3), new Random(1));
        engine.Add(1, 0);
        engine.Add(2, 0);
        Assert.True(engine.Remove(1));
        Assert.False(engine.Remove(1));
        Assert.Equal([2], TakeAll(engine, 0).Keys);
        engine.Remove(2);
        Assert.Equal(long.MaxValue, engine.Deadline);
        Assert.Empty(TakeAll(engine, 60_000 * Ms));
    }

    [Fact]
    public void AnswersEachPollOfManySessionsAtOnce()
    {
        var engine = new BfdEngine<int>(BfdSettings.Every(300, 3), new Random(1));
        for (var peer = 0; peer < 100; peer++)
            engine.Add(peer, 0);
        TakeAll(engine, 0);
        for (var peer = 0; peer < 100; peer++)
            Assert.Equal(BfdRejection.None, engine.Receive(peer, Hex.Bytes("20 60 03 18 00000001 00000000 000f4240 000493e0 00000000"), 5 * Ms));
        var finals = 0;
        var buffer = new byte[64];
        while (engine.TryTakePacket(5 * Ms, buffer, out _, out _))
            finals += BfdPacket.TryParse(buffer, out var packet) is BfdRejection.None && packet.Has(BfdFlags.Final) ? 1 : 0;
        Assert.Equal(100, finals);
    }

    /// <summary>The queue is what this engine has beyond its sessions: it must never come later than any of them.</summary>
    [Fact]
    public void NeverSleepsPastASession() =>
        Gen.Select(Gen.Int, Gen.Select(Gen.Int[0, 7], Gen.Int[0, 7], Gen.Int[0, 400]).Array[1, 120]).Sample((seed, steps) =>
        {
            var (engine, other) = (new BfdEngine<int>(BfdSettings.Every(100, 3), new Random(seed)), new BfdEngine<int>(BfdSettings.Every(50, 3), new Random(~seed)));
            var (now, buffer) = (0L, new byte[64]);
            foreach (var (what, peer, duration) in steps)
            {
                now += duration * Ms;
                switch (what)
                {
                    case 0: engine.Remove(peer); break;
                    case 1: engine.AdminDown(peer, now); break;
                    case 2: engine.Enable(peer, now); break;
                    case 3: engine.Configure(peer, BfdSettings.Every(20 + duration, 3), now); break;
                    case 4: break; // silence
                    default:
                        engine.Add(peer, now);
                        other.Add(peer, now);
                        Exchange(engine, other, now, buffer);
                        Exchange(other, engine, now, buffer);
                        break;
                }

                var earliest = engine.Peers.Select(name => engine.TryGet(name, out var session) ? session.Deadline : 0).DefaultIfEmpty(long.MaxValue).Min();
                Assert.True(engine.Deadline <= earliest);
                Exchange(engine, other, now, buffer);
                Assert.True(engine.Deadline > now);
            }
        }, iter: 500);

    private static void Exchange(BfdEngine<int> from, BfdEngine<int> to, long now, byte[] buffer)
    {
        while (from.TryTakePacket(now, buffer, out var peer, out var length))
            to.Receive(peer, buffer.AsSpan(0, length), now);
    }

    private static Dictionary<int, BfdPacket> TakeAll(BfdEngine<int> engine, long now)
    {
        var (packets, buffer) = (new Dictionary<int, BfdPacket>(), new byte[64]);
        while (engine.TryTakePacket(now, buffer, out var peer, out _))
            packets[peer] = BfdPacket.TryParse(buffer, out var packet) is BfdRejection.None ? packet : default;
        return packets;
    }
}
