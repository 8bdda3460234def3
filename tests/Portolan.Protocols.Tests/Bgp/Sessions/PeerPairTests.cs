using CsCheck;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

public sealed class PeerPairTests
{
    private const long Ms = 1_000;
    private const long Second = 1_000_000;

    private static readonly PeerSettings One = new() { LocalAsn = 64512, Identifier = 1, PeerAsn = 64513, HoldTime = 9 };
    private static readonly PeerSettings Two = new() { LocalAsn = 64513, Identifier = 2, PeerAsn = 64512, HoldTime = 9 };

    [Fact]
    public void AreOne_WithinAFewMessages()
    {
        var wire = new TwoSides(1, One, Two with { IsPassive = true }, (_, _) => Ms);
        wire.First.Start();
        wire.Second.Start();
        wire.Run(8 * Ms);
        Assert.True(wire.AreOne);
        wire.Run(3600 * Second);
        Assert.True(wire.AreOne);
        Assert.Empty(wire.First.Downs);
        Assert.Empty(wire.Second.Downs);
    }

    // Every order in which the SYNs, OPENs, KEEPALIVEs and NOTIFICATIONs of two connections can cross: each side starts before, with or after the other one,
    // and what a side sends takes a time of its own for each of the first messages.
    [Theory]
    [InlineData(1, 2, 64513)]
    [InlineData(2, 1, 64513)]
    [InlineData(1, 1, 64513)]
    [InlineData(1, 1, 64511)]
    public void KeepOneOfTwoConnections_WhateverTheOrder(int first, int second, int asn)
    {
        long[] delays = [1 * Ms, 10 * Ms, 35 * Ms];
        for (var schedule = 0; schedule < 3 * 729; schedule++)
        {
            var (offset, counts) = (schedule % 3 * 12 * Ms, new Dictionary<Side, int>());
            var digits = schedule / 3;
            var wire = new TwoSides(schedule, One with { Identifier = (uint)first, PeerAsn = (uint)asn }, Two with { Identifier = (uint)second, LocalAsn = (uint)asn }, (net, side) =>
            {
                // The first three of each side by the schedule, the others at random.
                var count = counts[side] = counts.GetValueOrDefault(side) + 1;
                var digit = 2 * (count - 1) + (side == net.First ? 0 : 1);
                return count > 3 ? delays[net.Random.Next(3)] : delays[digits / (int)Math.Pow(3, digit) % 3];
            });
            wire.First.Start();
            wire.Run(offset);
            wire.Second.Start();
            wire.Run(3 * Second);
            Assert.True(wire.AreOne, $"schedule {schedule}: {wire.First.Session.State} and {wire.Second.Session.State}");

            // At most one side believed for a moment in the one that the other had already decided against.
            Assert.True(wire.First.Downs.Count + wire.Second.Downs.Count <= 1, $"schedule {schedule}");
            Assert.All([.. wire.First.Downs, .. wire.Second.Downs], end => Assert.Equal((byte)CeaseSubcode.CollisionResolution, end.Error.Subcode));
            wire.Run(60 * Second);
            Assert.True(wire.AreOne, $"schedule {schedule}, later");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void BothNoticeADeadWire_AndComeBack(bool isPassive)
    {
        var wire = new TwoSides(3, One, Two with { IsPassive = isPassive }, (_, _) => 5 * Ms);
        wire.First.Start();
        wire.Second.Start();
        wire.Run(10 * Second);
        wire.IsCut = true;
        wire.Run(9 * Second);
        Assert.Equal(
            [BgpErrorCode.HoldTimerExpired, BgpErrorCode.HoldTimerExpired],
            wire.First.Downs.Concat(wire.Second.Downs).Select(end => end.Error.Code));
        wire.Run(60 * Second);
        wire.IsCut = false;
        wire.Run(45 * Second); // a pause, and an attempt that began before
        Assert.True(wire.AreOne);
    }

    [Fact]
    public void AreOneAgain_WithinTwoSeconds_WhenOneRestarts()
    {
        var offer = new RestartOffer(60, BgpFamilies.IPv4Unicast, AfterNotification: true);
        var wire = new TwoSides(4, One with { Restart = offer }, Two with { Restart = offer }, (_, _) => Ms);
        wire.First.Start();
        wire.Second.Start();
        wire.Run(60 * Second);
        wire.First.Restart();
        wire.Run(2 * Second);
        Assert.True(wire.AreOne);
        Assert.True(wire.Second.Session.Terms!.PeerRestart!.IsRestarting);
        Assert.True(wire.Second.Session.Terms.PeerKeepsRoutesAfterNotification);
        Assert.Equal([SessionEndOrigin.Transport], wire.Second.Downs.Select(end => end.Origin));
    }

    [Fact]
    public void AreOneAgain_WhenOneLostItsPower_AsSoonAsItHasConnected()
    {
        // Only it connects: the other one learns of its death by nothing but the answer to a KEEPALIVE on the old connection.
        var wire = new TwoSides(5, One with { HoldTime = 180 }, Two with { HoldTime = 180, IsPassive = true }, (_, _) => Ms);
        wire.First.Start();
        wire.Second.Start();
        wire.Run(70 * Second); // the next KEEPALIVE is due after 90 s at the earliest
        wire.First.LosePower();
        wire.Run(5 * Second);
        Assert.True(wire.AreOne);
    }

    [Fact]
    public void NeitherRunsHot_WhenTheyDisagree()
    {
        var wire = new TwoSides(6, One, Two with { PeerAsn = 64999 }, (_, _) => Ms);
        wire.First.Start();
        wire.Second.Start();
        wire.Run(3600 * Second);
        Assert.InRange(wire.First.Failures.Count, 2 * 3600 / 30, 2 * 3600 / 30 * 3 / 2);
        Assert.Contains(wire.First.Failures, end => end is { Origin: SessionEndOrigin.Peer, Error: { Code: BgpErrorCode.Open, Subcode: 2 } });
        Assert.Empty(wire.First.Downs);
    }

    [Fact]
    public void AlwaysBecomeOneAgain_WhateverHappened()
    {
        var fault = Gen.Select(Gen.Int[0, 9], Gen.Long[0, 40 * Second]);
        Gen.Select(Gen.Int[0, 1_000_000], fault.Array[0, 12], Gen.Int[0, 2].Select(which => which switch { 0 => 2 * Ms, 1 => 150 * Ms, _ => 700 * Ms }), Gen.Int[0, 2]).Sample((seed, faults, longest, kind) =>
        {
            // One in three is passive, and another has the same identifier on both sides.
            var wire = new TwoSides(seed, One, kind switch { 1 => Two with { IsPassive = true }, 2 => Two with { Identifier = One.Identifier }, _ => Two }, (net, _) => net.Random.NextInt64(longest / 2, longest + 1));
            wire.First.Start();
            wire.At(wire.Now + wire.Random.NextInt64(longest), wire.Second.Start);
            var begin = wire.Now;
            foreach (var (what, when) in faults)
            {
                var side = what % 2 == 0 ? wire.First : wire.Second;
                wire.At(begin + when, (what / 2) switch
                {
                    0 => () => Break(side),
                    1 => side.Reset,
                    2 => side.Restart,
                    3 => () => side.Stop(quietly: when % 2 == 0),
                    _ => () => wire.IsCut = !wire.IsCut,
                });
            }

            wire.Run(41 * Second);
            wire.IsCut = false;
            wire.First.Start();
            wire.Second.Start();

            // The longest that one may still wait: four minutes for an OPEN on a connection that the other side never heard of.
            wire.Run(400 * Second);
            Assert.True(wire.AreOne, $"{wire.First.Session.State} with {wire.First.Open.Count} and {wire.Second.Session.State} with {wire.Second.Open.Count}");
            var downs = wire.First.Downs.Count + wire.Second.Downs.Count;
            wire.Run(600 * Second);
            Assert.True(wire.AreOne);
            Assert.Equal(downs, wire.First.Downs.Count + wire.Second.Downs.Count);
        });
    }

    // The connection is reset, and each side learns of it.
    private static void Break(Side side)
    {
        if (side.Open.Count == 0)
            return;
        var end = side.Open[0];
        side.Gone(end);
        side.Session.Closed(end, "reset", side.Now);
    }
}
