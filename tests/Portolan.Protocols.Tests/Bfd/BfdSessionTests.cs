using CsCheck;
using Portolan.Protocols.Bfd;

namespace Portolan.Protocols.Tests.Bfd;

public sealed class BfdSessionTests
{
    private const long Ms = 1000;

    [Fact]
    public void ComesUpAtOnce_WhenTheSecondSideStarts()
    {
        var wire = new Wire();
        wire.Start(0);
        wire.RunFor(400 * Ms);
        Assert.Equal(BfdState.Down, wire.State(0));
        wire.Start(1);
        wire.RunFor(10 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
        Assert.Equal(
            [(BfdState.Down, BfdState.Init), (BfdState.Init, BfdState.Up)],
            wire.Transitions(0).Where(t => t.From != t.State).Select(t => (t.From, t.State)));
    }

    [Fact]
    public void StaysUp_ForTenMinutes()
    {
        var wire = Wire.Connected();
        wire.RunFor(600_000 * Ms);
        Assert.DoesNotContain(wire.Transitions(0), t => t.State is BfdState.Down);
        Assert.DoesNotContain(wire.Transitions(1), t => t.State is BfdState.Down);
    }

    [Fact]
    public void DetectsAKill_WithinTheDetectionTime()
    {
        var wire = Wire.Connected();
        wire.Kill(1);
        var killed = wire.Now;
        wire.RunUntil(() => wire.State(0) is BfdState.Down, 10_000 * Ms);
        Assert.InRange(wire.Now - killed, 600 * Ms, 900 * Ms);
        var last = wire.Transitions(0)[^1];
        Assert.Equal((BfdState.Up, BfdState.Down, BfdDiagnostic.DetectionTimeExpired), (last.From, last.State, last.Diagnostic));
    }

    [Fact]
    public void TellsAPlannedStopFromADeath()
    {
        var wire = Wire.Connected();
        wire.Engine(1).AdminDown(wire.Now);
        wire.RunFor(1 * Ms);
        var last = wire.Transitions(0)[^1];
        Assert.Equal((BfdState.Down, BfdDiagnostic.NeighborSignaledDown, BfdState.AdminDown), (last.State, last.Diagnostic, last.RemoteState));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ComesBack_WhenThePeerRestarts(bool authenticated)
    {
        var wire = Wire.Connected(authenticated ? new BfdKey(1, "secret"u8) : null);
        wire.Kill(1);
        wire.RunFor(100 * Ms);
        wire.Start(1);
        wire.RunUntil(() => wire.State(0) is BfdState.Down, 10_000 * Ms);
        wire.RunUntil(() => wire.State(0) is BfdState.Up && wire.State(1) is BfdState.Up, 4_000 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void IsBelievedWithinThreeSeconds_WhenItComesBackAfterAGoodbye(bool authenticated)
    {
        var wire = Wire.Connected(authenticated ? new BfdKey(1, "secret"u8) : null);
        wire.Engine(1).AdminDown(wire.Now);
        wire.RunFor(1 * Ms);
        wire.Restart(1); // with another discriminator and sequence number
        wire.RunUntil(() => wire.State(0) is BfdState.Up && wire.State(1) is BfdState.Up, 3_100 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
    }

    [Fact]
    public void ComesUpAtOnce_WhenItIsEnabledAgain()
    {
        var wire = Wire.Connected(new BfdKey(1, "secret"u8));
        wire.Engine(1).AdminDown(0, wire.Now);
        wire.RunFor(10_000 * Ms);
        Assert.Equal((BfdState.Down, BfdState.AdminDown), (wire.State(0), wire.State(1)));
        wire.Engine(1).Enable(0, wire.Now);
        wire.RunFor(10 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
    }

    [Fact]
    public void IsSlowWhileDown_AndFastWhileUp()
    {
        var wire = new Wire();
        wire.Start(0);
        wire.RunFor(10_000 * Ms);
        Assert.InRange(wire.Sent(0), 10, 14);

        wire = Wire.Connected();
        var before = wire.Sent(0);
        wire.RunFor(10_000 * Ms);
        Assert.InRange(wire.Sent(0) - before, 33, 46); // 225..300 ms, and finals
    }

    [Fact]
    public void GivesEachIntervalFreshJitter()
    {
        var session = new BfdSession(BfdSettings.Every(300, 3), 1, null, new Random(1), 0);
        var (gaps, buffer, last) = (new List<long>(), new byte[64], 0L);
        for (long now = 0; now < 200_000 * Ms; now += Ms)
        {
            if (session.Advance(now, buffer) == 0)
                continue;
            gaps.Add(now - last);
            last = now;
        }

        Assert.All(gaps.Skip(1), gap => Assert.InRange(gap, 750 * Ms, 1001 * Ms));
        Assert.True(gaps.Distinct().Count() > gaps.Count / 4);
    }

    [Fact]
    public void LeavesRoom_WhenTheMultiplierIsOne()
    {
        var session = new BfdSession(BfdSettings.Every(2000, 1), 1, null, new Random(1), 0);
        var (buffer, last) = (new byte[64], 0L);
        for (long now = 0; now < 200_000 * Ms; now += Ms)
        {
            if (session.Advance(now, buffer) == 0)
                continue;
            if (last > 0)
                Assert.InRange(now - last, 1500 * Ms, 1801 * Ms);
            last = now;
        }
    }

    [Fact]
    public void FollowsTheSlowerSide()
    {
        var wire = new Wire(new BfdSettings(50_000, 700_000, 3), new BfdSettings(100_000, 100_000, 4));
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(3_000 * Ms);
        Assert.Equal(100 * Ms, wire.Session(0).SendInterval); // the other side takes one each 100 ms
        Assert.Equal(700 * Ms, wire.Session(1).SendInterval); // we take one each 700 ms
        Assert.Equal(4 * 700 * Ms, wire.Session(0).DetectionTime); // their multiplier
        Assert.Equal(3 * 100 * Ms, wire.Session(1).DetectionTime);
        wire.RunFor(60_000 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
    }

    [Fact]
    public void SlowsDownOnlyAfterAPoll()
    {
        var wire = Wire.Connected();
        wire.RunFor(1_000 * Ms);
        wire.Engine(0).Configure(1, BfdSettings.Every(2000, 3), wire.Now);
        Assert.Equal(300 * Ms, wire.Session(0).SendInterval);
        wire.RunFor(1_000 * Ms);
        Assert.Equal(2000 * Ms, wire.Session(0).SendInterval);
        Assert.Equal(6000 * Ms, wire.Session(1).DetectionTime);
        wire.RunFor(60_000 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
    }

    [Fact]
    public void SendsNothing_WhenThePeerCanReceiveNothing()
    {
        var wire = new Wire(BfdSettings.Every(300, 3), new BfdSettings(300_000, 0, 3));
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(100 * Ms);
        var sent = wire.Sent(0);
        wire.RunFor(5_000 * Ms);
        Assert.InRange(wire.Sent(0) - sent, 0, 1); // finals at most
    }

    [Fact]
    public void AnswersAPollAtOnce()
    {
        var session = new BfdSession(BfdSettings.Every(300, 3), 9, null, new Random(1), 0);
        var buffer = new byte[64];
        session.Advance(0, buffer);
        var poll = Hex.Bytes("20 60 03 18 00000001 00000009 000f4240 000493e0 00000000"); // Down with P
        BfdPacket.TryParse(poll, out var packet);
        session.Receive(packet, poll, 5 * Ms);
        Assert.Equal(24, session.Advance(5 * Ms, buffer));
        BfdPacket.TryParse(buffer, out var answer);
        Assert.Equal(BfdFlags.Final, answer.Flags);
        Assert.Equal(BfdState.Init, answer.State);
    }

    [Fact]
    public void SaysNothing_WhenItIsPassive_UntilItHears()
    {
        var wire = new Wire(BfdSettings.Every(300, 3) with { Passive = true });
        wire.Start(0);
        wire.RunFor(10_000 * Ms);
        Assert.Equal((0, long.MaxValue), (wire.Sent(0), wire.Engine(0).Deadline));
        wire.Start(1);
        wire.RunFor(10 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
        wire.RunFor(60_000 * Ms);
        Assert.DoesNotContain(wire.Transitions(0).Concat(wire.Transitions(1)), t => t.State is BfdState.Down);
    }

    [Fact]
    public void FallsSilent_WhenItIsPassive_AndHearsNoMore()
    {
        var wire = new Wire(BfdSettings.Every(300, 3) with { Passive = true });
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(1_000 * Ms);
        wire.Kill(1);
        wire.RunUntil(() => wire.State(0) is BfdState.Down, 10_000 * Ms);
        var sent = wire.Sent(0);
        wire.RunFor(10_000 * Ms);
        Assert.Equal(sent, wire.Sent(0));
        wire.Start(1);
        wire.RunFor(10 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
    }

    [Fact]
    public void Begins_WhenItIsPassiveNoMore()
    {
        var wire = new Wire(BfdSettings.Every(300, 3) with { Passive = true }, BfdSettings.Every(300, 3) with { Passive = true });
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(10_000 * Ms);
        Assert.Equal((BfdState.Down, BfdState.Down), (wire.State(0), wire.State(1)));
        wire.Engine(0).Configure(1, BfdSettings.Every(300, 3), wire.Now);
        wire.RunFor(10 * Ms);
        Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
    }

    [Theory]
    [InlineData(false, "20 40 03 18 00000009 00000000 000f4240 000493e0 00000000")]
    [InlineData(true, "20 48 03 18 00000009 00000000 000f4240 000493e0 00000000")]
    public void SaysWhetherItDiesWithItsControlPlane(bool independent, string packet)
    {
        var session = new BfdSession(BfdSettings.Every(300, 3), 9, null, new Random(1), 0) { ControlPlaneIndependent = independent };
        var buffer = new byte[64];
        Assert.Equal(24, session.Advance(0, buffer));
        Assert.Equal(Hex.Bytes(packet), buffer[..24]);
    }

    [Fact]
    public void RemembersWhetherTheOtherSideIsIndependent_AfterItsDeath()
    {
        var wire = new Wire { Independent = { [1] = true } };
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(1_000 * Ms);
        Assert.False(wire.Session(1).RemoteIsIndependent);
        Assert.All(wire.Transitions(1), t => Assert.False(t.RemoteIsIndependent));
        wire.Kill(1);
        wire.RunFor(10_000 * Ms);
        var last = wire.Transitions(0)[^1];
        Assert.Equal((BfdDiagnostic.DetectionTimeExpired, true), (last.Diagnostic, last.RemoteIsIndependent));

        wire.Independent[1] = false;
        wire.Start(1);
        wire.RunFor(1_000 * Ms);
        Assert.Equal((BfdState.Up, false), (wire.Transitions(0)[^1].State, wire.Transitions(0)[^1].RemoteIsIndependent));
    }

    [Fact]
    public void CountsPacketsAndFalls()
    {
        var wire = Wire.Connected();
        wire.Engine(1).AdminDown(wire.Now);
        wire.RunFor(1_000 * Ms);
        wire.Engine(1).Enable(0, wire.Now);
        wire.RunFor(1_000 * Ms);
        var (ours, theirs) = (wire.Session(0), wire.Session(1));
        Assert.Equal((wire.Sent(0), wire.Sent(1)), (ours.Sent, theirs.Sent));
        Assert.Equal((wire.Sent(1), wire.Sent(0)), (ours.Received, theirs.Received));
        Assert.Equal((2, 1, 2, 1), (ours.Ups, ours.Downs, theirs.Ups, theirs.Downs));
    }

    [Fact]
    public void ServesTwoWithTheFasterOfBothSettings()
    {
        var passive = new BfdSettings(50_000, 700_000, 5) { Passive = true };
        Assert.Equal(new BfdSettings(50_000, 100_000, 3), passive.FasterOf(new BfdSettings(100_000, 100_000, 3)));
        Assert.Equal(new BfdSettings(50_000, 700_000, 5) { Passive = true }, passive.FasterOf(new BfdSettings(60_000, 0, 9) { Passive = true }));
    }

    [Fact]
    public void DemandsAuthentication_WhenItHasAKey()
    {
        var wire = new Wire { Keys = { [0] = new BfdKey(1, "secret"u8) } };
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(5_000 * Ms);
        Assert.Equal((BfdState.Down, BfdState.Down), (wire.State(0), wire.State(1)));
        Assert.Contains(BfdRejection.MissingAuthentication, wire.Rejections(0));
        Assert.Contains(BfdRejection.UnexpectedAuthentication, wire.Rejections(1));
    }

    [Theory]
    [InlineData("secret", 1, true, BfdRejection.None)]
    [InlineData("Secret", 1, true, BfdRejection.BadDigest)]
    [InlineData("secret", 2, true, BfdRejection.WrongAuthentication)]
    [InlineData("secret", 1, false, BfdRejection.WrongAuthentication)]
    public void TakesOnlyItsOwnKey(string secret, byte id, bool meticulous, BfdRejection expected)
    {
        var wire = new Wire { Keys = { [0] = new BfdKey(1, "secret"u8), [1] = new BfdKey(id, System.Text.Encoding.ASCII.GetBytes(secret), meticulous) } };
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(5_000 * Ms);
        Assert.Equal(expected is BfdRejection.None ? BfdState.Up : BfdState.Down, wire.State(0));
        if (expected is BfdRejection.None)
            Assert.Empty(wire.Rejections(0));
        else
            Assert.All(wire.Rejections(0), rejection => Assert.Equal(expected, rejection));
    }

    [Fact]
    public void RefusesAReplay()
    {
        var wire = Wire.Connected(new BfdKey(1, "secret"u8));
        wire.RunFor(1_000 * Ms);
        var last = wire.LastPacket(1);
        Assert.Equal(BfdRejection.SequenceOutOfWindow, wire.Engine(0).Receive(1, last, wire.Now));
        wire.RunFor(5_000 * Ms);
        Assert.Equal(BfdRejection.SequenceOutOfWindow, wire.Engine(0).Receive(1, last, wire.Now));
        Assert.Equal(BfdState.Up, wire.State(0));
    }

    [Fact]
    public void KeepsTheWindow_WhenAForgeryComes()
    {
        var wire = Wire.Connected(new BfdKey(1, "secret"u8));
        var forged = wire.LastPacket(1).ToArray();
        forged[31] += 5; // a sequence number inside the window, without the key
        Assert.Equal(BfdRejection.BadDigest, wire.Engine(0).Receive(1, forged, wire.Now));
        wire.RunFor(60_000 * Ms);
        Assert.Equal(BfdState.Up, wire.State(0));
        Assert.Empty(wire.Rejections(0));
    }

    [Fact]
    public void StaysUp_WhenTheKeyChangesOnBothSides()
    {
        var wire = Wire.Connected(new BfdKey(1, "secret"u8));
        wire.Engine(0).UseKey(new BfdKey(2, "another"u8));
        wire.RunFor(200 * Ms);
        wire.Engine(1).UseKey(new BfdKey(2, "another"u8));
        wire.RunFor(10_000 * Ms);
        Assert.DoesNotContain(wire.Transitions(0), t => t.State is BfdState.Down);
        Assert.DoesNotContain(wire.Transitions(1), t => t.State is BfdState.Down);
    }

    [Fact]
    public void IgnoresStrangers()
    {
        var engine = new BfdEngine<int>(BfdSettings.Every(300, 3), new Random(1));
        engine.Add(1, 0);
        var down = Hex.Bytes("20 40 03 18 00000001 00000000 000f4240 000493e0 00000000");
        Assert.Equal(BfdRejection.NoSession, engine.Receive(2, down, 0));
        Assert.Equal(BfdRejection.NoSession, engine.Receive(1, Hex.Bytes("20 40 03 18 00000001 00000007 000f4240 000493e0 00000000"), 0));
        Assert.Equal(BfdRejection.None, engine.Receive(1, down, 0));
    }

    [Fact]
    public void AllocatesNothing_OnceUp()
    {
        var wire = Wire.Connected(new BfdKey(1, "secret"u8));
        wire.RunFor(30_000 * Ms);
        var before = GC.GetAllocatedBytesForCurrentThread();
        wire.RunFor(30_000 * Ms);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void AlwaysComesBackUp_WhateverWasLostOrInjected() =>
        Gen.Select(Gen.Bool, Gen.Int, Gen.Select(Gen.Int[0, 4], Gen.Int[1, 1500], Gen.Byte.Array[0, 60]).Array[0, 12]).Sample((signed, seed, faults) =>
        {
            var wire = Wire.Connected(signed ? new BfdKey(1, "secret"u8) : null, seed);
            foreach (var (fault, duration, bytes) in faults)
            {
                switch (fault)
                {
                    case 0: wire.Cut = (true, false); break;
                    case 1: wire.Cut = (false, true); break;
                    case 2: wire.Cut = (true, true); break;
                    case 3: wire.Restart(duration % 2); break;
                    default: wire.Engine(0).Receive(1, bytes, wire.Now); break;
                }

                wire.RunFor(duration * Ms);
                wire.Cut = (false, false);
            }

            wire.RunUntil(() => wire.State(0) is BfdState.Up && wire.State(1) is BfdState.Up, 12_000 * Ms);
            Assert.Equal((BfdState.Up, BfdState.Up), (wire.State(0), wire.State(1)));
        }, iter: 200);
}
