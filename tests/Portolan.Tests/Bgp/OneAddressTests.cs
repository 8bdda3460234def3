using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Routes;

namespace Portolan.Tests.Bgp;

/// <summary>Several neighbours on one address, as MetalLB's native mode knows them: each has its port, and knows this node by a number and an identifier of its own.</summary>
public sealed class OneAddressTests : IDisposable
{
    private const int IdentifierOffset = 24;

    private readonly BgpWire _wire = new();
    private readonly BgpSide _us;

    public OneAddressTests() => _us = new BgpSide(_wire.Us);

    public void Dispose()
    {
        _us.Dispose();
        _wire.Dispose();
    }

    [Fact]
    public async Task EachHasItsOwnSession()
    {
        var (first, second) = (RawPeer.Listen(_wire.Them, BgpWire.Theirs, 1790), RawPeer.Listen(_wire.Them, BgpWire.Theirs, 1791));
        _us.Announce("203.0.113.7/32", PathAttributes.Default);
        _us.Speak(
            BgpWire.Neighbor(name: "first", change: session => session with { Identifier = 0x0a010101 }) with { Port = 1790 },
            BgpWire.Neighbor(name: "second", change: session => session with { Identifier = 0x0a020202, LocalAsn = 64999 }) with { Port = 1791 },
            // Who only waits, and is the one that is meant when somebody connects from there.
            BgpWire.Neighbor(name: "waited", change: session => session with { Identifier = 0x0a030303, IsPassive = true }));
        await _us.Loop.ReportAsync(TestContext.Current.CancellationToken); // it listens
        using var one = first();
        using var two = second();
        using var three = new RawPeer(_wire.Them, BgpWire.Theirs);
        Assert.Equal((0x0a010101u, 0x0a020202u, 0x0a030303u), (Identifier(one), Identifier(two), Identifier(three)));
        foreach (var name in (string[])["first", "second", "waited"])
            Assert.Equal(1, _us.AwaitUp(name).Routes);
        Assert.Equal(64999u, _us.AwaitUp("second").LocalAsn);

        static uint Identifier(RawPeer peer) => BinaryPrimitives.ReadUInt32BigEndian(peer.Establish().AsSpan(IdentifierOffset));
    }
}
