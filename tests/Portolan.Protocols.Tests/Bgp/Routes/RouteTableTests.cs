using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Routes;

public sealed class RouteTableTests
{
    private static readonly PathAttributes Other = new() { Med = 7 };

    [Fact]
    public void SaysNothing_WhereNothingChanges()
    {
        var table = Sample.Table(Sample.IPv4());
        using var reader = table.Read(Sample.External);
        reader.Drain();
        var version = table.Version;
        Assert.False(table.Set(Sample.IPv4(), new PathAttributes()));
        Assert.False(table.Withdraw(Sample.IPv4(1)));
        Assert.Equal(version, table.Version);
        Assert.True(reader.IsCaughtUp);
        Assert.Empty(reader.Drain());
    }

    [Fact]
    public void SaysTheLastOfSeveralChanges()
    {
        var table = Sample.Table(Sample.IPv4());
        using var reader = table.Read(Sample.External);
        reader.Drain();
        table.Withdraw(Sample.IPv4());
        table.Set(Sample.IPv4(), PathAttributes.Default);
        table.Withdraw(Sample.IPv4());
        table.Set(Sample.IPv4(), Other);
        var view = new PeerView(Sample.External).Receive(reader.Drain());
        Assert.Equal((1, 7u), (view.Messages, Assert.Single(view.Routes).Value.Med));
    }

    [Fact]
    public void SaysNothingOfWhatCameAndWent()
    {
        var table = Sample.Table(Sample.IPv4());
        using var reader = table.Read(Sample.External);
        reader.Drain();
        table.Set(Sample.IPv4(1), PathAttributes.Default);
        Assert.True(table.Withdraw(Sample.IPv4(1)));
        Assert.True(reader.IsCaughtUp);
        Assert.Equal((1, 1), (table.Count, table.Held));
    }

    [Fact]
    public void TellsOfAWithdrawal_OnlyWhomTheRouteWasSent()
    {
        var table = Sample.Table(Sample.IPv4(), Sample.IPv4(1));
        using var early = table.Read(Sample.External);
        using var late = table.Read(Sample.External);
        early.Drain();
        table.Withdraw(Sample.IPv4());
        var view = new PeerView(Sample.External).Receive(late.Drain());
        Assert.Equal([Sample.IPv4(1)], view.Routes.Keys);
        Assert.Equal(1, view.Messages);
        Assert.Equal(28, early.Drain().Length);
    }

    [Fact]
    public void ForgetsAWithdrawnPrefix_WhenAllHaveReadOfIt()
    {
        var table = Sample.Table(Sample.IPv4(), Sample.IPv4(1), Sample.IPv4(2));
        using var first = table.Read(Sample.External);
        var second = table.Read(Sample.External);
        first.Drain();
        second.Drain();
        table.Withdraw(Sample.IPv4());
        Assert.Equal((2, 3), (table.Count, table.Held));
        first.Drain();
        Assert.Equal(3, table.Held);
        second.Drain();
        Assert.Equal(2, table.Held);

        // Or when those who have not are gone.
        table.Withdraw(Sample.IPv4(1));
        first.Drain();
        second.Dispose();
        Assert.Equal(1, table.Held);
        Assert.Equal(0, second.Fill(new byte[4096]));
        first.Dispose();
        table.Withdraw(Sample.IPv4(2));
        Assert.Equal(0, table.Held);
    }

    [Fact]
    public void GivesTheSameBytesToAll_WhoStandAtTheSamePlaceWithTheSameTerms()
    {
        var table = Sample.Table(Sample.IPv4());
        var terms = Sample.External with { IPv4NextHop = NextHop.IPv4(0x0a000002) };
        using var first = table.Read(Sample.External);
        using var second = table.Read(terms);
        using var third = table.Read(Sample.Internal);
        byte[][] bytes = [first.Drain(), second.Drain(), third.Drain()];
        Assert.Equal("0A000001", Assert.Single(new PeerView(Sample.External).Receive(bytes[0]).Routes).Value.NextHop);
        Assert.Equal("0A000002", Assert.Single(new PeerView(terms).Receive(bytes[1]).Routes).Value.NextHop);
        Assert.Equal(100u, Assert.Single(new PeerView(Sample.Internal).Receive(bytes[2]).Routes).Value.LocalPref);

        // Messages that do not fit leave the block with its reader.
        foreach (var i in Enumerable.Range(0, 2000))
            table.Set(Sample.IPv4(i), Other);
        var buffer = new byte[4096];
        Assert.All([first, second, third], reader => Assert.NotEqual(0, reader.Fill(buffer)));
        Assert.NotNull(first.Block);
        Assert.Same(first.Block, second.Block);
        Assert.NotSame(first.Block, third.Block);
    }

    [Fact]
    public void GivesNoOldBytes_WhereARouteHasChanged()
    {
        var table = new RouteTable();
        using var first = table.Read(Sample.External);
        using var second = table.Read(Sample.External);
        foreach (var i in Enumerable.Range(0, 2000))
            table.Set(Sample.IPv4(i), Other);
        var buffer = new byte[4096];
        var view = new PeerView(Sample.External).Receive(buffer.AsSpan(0, first.Fill(buffer)));
        Assert.Contains(Sample.IPv4(5), view.Routes.Keys);
        table.Withdraw(Sample.IPv4(5));
        var other = new PeerView(Sample.External).Receive(second.Drain());
        Assert.Equal((1999, 3), (other.Routes.Count, other.Messages)); // never announced, so not withdrawn
        Assert.DoesNotContain(Sample.IPv4(5), view.Receive(first.Drain()).Routes.Keys);
        Assert.Equal(1999, view.Routes.Count);
    }

    [Fact]
    public void SendsOnlyTheFamiliesOfTheTerms()
    {
        var table = Sample.Table(Sample.IPv4(), Sample.IPv6());
        using var reader = table.Read(Sample.External with { IPv4NextHop = null });
        Assert.Equal(BgpFamilies.IPv6Unicast, reader.Terms.Families);
        Assert.Equal([Sample.IPv6()], new PeerView(Sample.External).Receive(reader.Drain()).Routes.Keys);
        Assert.Equal((true, false), (reader.IsSent(Sample.IPv6()), reader.IsSent(Sample.IPv4())));
        table.Set(Sample.IPv4(), Other);
        Assert.Equal(0, reader.Fill(new byte[4096]));
        Assert.True(reader.IsCaughtUp);
    }

    [Fact]
    public void SendsAFamilyAgain_AndWhatElseIsPending()
    {
        var table = Sample.Table(Sample.IPv4(), Sample.IPv4(1), Sample.IPv6(), Sample.IPv6(1));
        using var reader = table.Read(Sample.External);
        reader.Drain();
        table.Withdraw(Sample.IPv4());
        table.Set(Sample.IPv6(), Other);
        reader.Restart(BgpFamily.IPv4Unicast);
        Assert.False(reader.IsSynchronized);
        var view = new PeerView(Sample.External);
        view.Routes[Sample.IPv4()] = new Told("", "", 0, 0, "", "", "");
        view.Receive(reader.Drain());
        Assert.True(reader.IsSynchronized);
        Assert.Equal(new[] { Sample.IPv4(1), Sample.IPv6() }.ToHashSet(), view.Routes.Keys.ToHashSet());
    }

    [Fact]
    public void IsSynchronized_WhenTheEndWasReachedOnce()
    {
        var table = new RouteTable();
        using var empty = table.Read(Sample.External);
        Assert.False(empty.IsSynchronized);
        Assert.Equal(0, empty.Fill(new byte[4096]));
        Assert.True(empty.IsSynchronized);

        for (var i = 0; i < 2000; i++)
            table.Set(Sample.IPv4(i), Other);
        using var reader = table.Read(Sample.External);
        reader.Fill(new byte[4096]);
        table.Set(Sample.IPv6(), Other);
        Assert.False(reader.IsSynchronized);
        Assert.Equal((false, 2001), (reader.IsSent(Sample.IPv4()), reader.Pending));
        reader.Fill(new byte[2 * 4096]);
        Assert.True(reader.IsSynchronized); // what came later is another matter
        Assert.False(reader.IsCaughtUp);
        Assert.Equal((true, false), (reader.IsSent(Sample.IPv4()), reader.IsSent(Sample.IPv6())));
        Assert.Equal((2000L, 2001L, 1), (reader.SentVersion, table.Version, reader.Pending));
    }

    [Fact]
    public void TellsWhatIsAnnounced_TheLatestChangeLast()
    {
        var table = Sample.Table(Sample.IPv4(), Sample.IPv4(1), Sample.IPv6());
        using var reader = table.Read(Sample.External);
        reader.Drain();
        table.Set(Sample.IPv4(), Other);
        table.Withdraw(Sample.IPv6());
        Assert.Equal([new(Sample.IPv4(1), PathAttributes.Default), new Route(Sample.IPv4(), Other)], table.ToArray());
        Assert.Equal(Other, table.Find(Sample.IPv4()));
        Assert.Null(table.Find(Sample.IPv6()));
    }

    [Fact]
    public void AllocatesNothing_ForAChangeToManyPeers()
    {
        var table = Sample.Table([.. Enumerable.Range(0, 100).Select(Sample.IPv4)]);
        table.Set(Sample.IPv4(200), Other);
        var readers = Enumerable.Range(0, 8).Select(_ => table.Read(Sample.External)).ToArray();
        var buffer = new byte[64 * 1024];
        var sent = 0;
        Change(10);
        Assert.Equal(0, Allocations.Of(() => Change(100)));
        sent = 0;
        Change(100);
        Assert.Equal(8 * (50 * 55 + 50 * 48), sent); // with MED, and without
        return;

        void Change(int times)
        {
            for (var i = 0; i < times; i++)
            {
                table.Set(Sample.IPv4(1), i % 2 == 0 ? Other : PathAttributes.Default);
                foreach (var reader in readers)
                    sent += reader.Fill(buffer);
            }
        }
    }

    [Fact]
    public void TakesFromASession_WhatBothSidesAgreedOn()
    {
        var session = new SessionTerms
        {
            LocalAsn = 65001,
            PeerAsn = 65001,
            PeerIdentifier = 1,
            HoldTime = 90,
            Families = BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast,
            FourOctetAsn = true,
            ExtendedNextHop = false,
            LinkLocalNextHop = false,
            LongestSent = 65535,
            LongestReceived = 4096,
            RouteRefresh = true,
            EnhancedRouteRefresh = false,
            PeerRestart = null,
            PeerKeepsRoutes = false,
        };
        var (ipv4, ipv6) = (Sample.External.IPv4NextHop, Sample.External.IPv6NextHop);
        Assert.Equal(Sample.Internal, EncodingTerms.Of(session, ipv4, ipv6));
        Assert.Equal(Sample.External, EncodingTerms.Of(session with { PeerAsn = 65002 }, ipv4, ipv6));
        Assert.Equal(Sample.Internal with { IPv4NextHop = null }, EncodingTerms.Of(session, ipv6, ipv6));
        Assert.Equal(Sample.Internal with { IPv4NextHop = ipv6 }, EncodingTerms.Of(session with { ExtendedNextHop = true }, ipv6, ipv6));
        Assert.Equal(Sample.Internal with { IPv6NextHop = null }, EncodingTerms.Of(session with { Families = BgpFamilies.IPv4Unicast }, ipv4, ipv6));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sample.External with { LongestSent = 4095 });
    }
}
