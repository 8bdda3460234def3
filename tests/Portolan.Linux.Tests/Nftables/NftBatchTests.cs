using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;

namespace Portolan.Linux.Tests.Nftables;

public sealed class NftBatchTests
{
    private static readonly NftSet Map = new("m", NftTypes.InetService, 4, NftTypes.Mark, 4, NftSetFlags.Map);
    private static readonly NftSet Verdicts = new("v", NftTypes.InetService, 4, NftTypes.Verdict, 0, NftSetFlags.Map);

    [Fact]
    public void WritesAnElementAsTheKernelReadsIt()
    {
        var batch = new NftBatch(NftFamily.Ip, "t");
        batch.Reset(0x0a0b0c0d);
        batch.AddElement("v", [0, 80, 0, 0], new NftVerdict(NftVerdictCode.Goto, "c"));
        batch.Finish(5, 6);
        string[] expected =
        [
            "1c000000 1000 0100 05000000 00000000", "0000000a", "08000100 0a0b0c0d",            // batch begin, subsystem nftables, generation
            "50000000 0c0a 0506 06000000 00000000", "02000000",                                 // NFT_MSG_NEWSETELEM, request | ack | create | excl; ip
            "06000100 74000000", "06000200 76000000",                                           // table t, set v
            "2c000380 28000180",                                                                // elements, element
            "0c000180 08000100 00500000",                                                       // key: port 80, padded
            "18000280 14000280",                                                                // data: verdict
            "08000100 fffffffc", "06000200 63000000",                                           // goto c
            "14000000 1100 0100 05000000 00000000", "0000000a",                                 // batch end
        ];
        Assert.Equal(string.Concat(expected).Replace(" ", ""), Convert.ToHexStringLower(batch.Writer.Written));
    }

    [Fact]
    public void KeepsListsOfElementsBelowTheLengthAnAttributeCanHave()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var connection = PrivateNetwork.Open(NftConnection.Open);
        var batch = new NftBatch(NftFamily.Ip, "t");
        batch.AddTable();
        batch.AddSet(Map);
        for (var port = 0; port < 20_000; port++)
            batch.AddElement("m", [(byte)(port >> 8), (byte)port, 0, 0], BitConverter.GetBytes(port));
        Assert.InRange(batch.Count, 3, 30);
        connection.Commit(batch, "fill the map");

        var found = new HashSet<(ushort, uint)>();
        connection.Elements(NftFamily.Ip, "t", "m", found.Clear, element => found.Add(((ushort)((element.Key[0] << 8) | element.Key[1]), BitConverter.ToUInt32(element.Data))));
        Assert.Equal(20_000, found.Count);
        Assert.All(found, entry => Assert.Equal(entry.Item1, entry.Item2));
    }

    [Fact]
    public void KeepsNoMemoryOfALargeTransaction()
    {
        const int Usual = 256 << 10;
        PrivateNetwork.SkipUnlessRoot();
        using var connection = PrivateNetwork.Open(NftConnection.Open);
        var batch = new NftBatch(NftFamily.Ip, "t");
        batch.AddTable();
        batch.AddSet(Map);
        for (var port = 0; port < 20_000; port++)
            batch.AddElement("m", [(byte)(port >> 8), (byte)port, 0, 0], BitConverter.GetBytes(port));
        Assert.InRange(batch.Writer.Capacity, 2 * Usual, int.MaxValue);
        connection.Commit(batch, "fill the map");
        Assert.InRange(batch.Writer.Capacity, 0, Usual);
        Assert.Equal(20_000, batch.ElementCount);

        batch.Reset();
        batch.AddElement("m", [0xff, 0xff, 0, 0], [1, 0, 0, 0]);
        connection.Commit(batch, "add one");
        var count = 0;
        connection.Elements(NftFamily.Ip, "t", "m", () => count = 0, _ => count++);
        Assert.Equal(20_001, count);
    }

    [Fact]
    public void ChangesNothing_WhenOnePartIsRefused()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var connection = PrivateNetwork.Open(NftConnection.Open);
        var batch = new NftBatch(NftFamily.Ip, "t");
        batch.AddTable();
        batch.AddSet(Map);
        connection.Commit(batch, "create");

        batch.Reset();
        batch.AddElement("m", [0, 1, 0, 0], [1, 0, 0, 0]);
        batch.DeleteElement("m", [0, 2, 0, 0]);
        batch.AddElement("m", [0, 3, 0, 0], [1, 0, 0, 0]);
        var refusal = Assert.Throws<NetlinkException>(() => connection.Commit(batch, "change m"));
        Assert.Equal(("change m", Errors.NotFound), (refusal.Operation, refusal.Errno));
        var count = 0;
        connection.Elements(NftFamily.Ip, "t", "m", () => count = 0, _ => count++);
        Assert.Equal(0, count);

        // What was left unread of that answer does not disturb the next.
        batch.Reset();
        batch.AddElement("m", [0, 1, 0, 0], [1, 0, 0, 0]);
        connection.Commit(batch, "change m");
    }

    [Fact]
    public void IsRefused_WhenTheRulesetMovedOn()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var connection = PrivateNetwork.Open(NftConnection.Open);
        var generation = connection.Generation();
        var batch = new NftBatch(NftFamily.Ip, "t");
        batch.Reset(generation);
        batch.AddTable();
        connection.Commit(batch, "create");
        Assert.NotEqual(generation, connection.Generation());
        batch.Reset(generation);
        batch.AddSet(Map);
        Assert.Equal(Errors.Restart, Assert.Throws<NetlinkException>(() => connection.Commit(batch, "too late")).Errno);
        Assert.Empty(connection.Sets(NftFamily.Ip, "t"));
    }

    [Fact]
    public void ReadsBackWhatItWrote()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var connection = PrivateNetwork.Open(NftConnection.Open);
        Assert.False(connection.HasTable(NftFamily.Ip6, "t"));
        var batch = new NftBatch(NftFamily.Ip6, "t");
        batch.AddTable();
        batch.AddSet(Map);
        batch.AddSet(Verdicts);
        batch.AddNatChain("base", NftHook.Prerouting, -100);
        batch.AddChain("c");
        batch.AddRule("base", new NftRule().Layer4Protocol(0).Equal(0, [6]).TransportHeader(2, 2, 0).VerdictMap("v", 0), [0, 3, (byte)'h', (byte)'i', 0]);
        batch.AddElement("v", [0, 80, 0, 0], new NftVerdict(NftVerdictCode.Goto, "c"));
        batch.AddElement("v", [0, 81, 0, 0], new NftVerdict(NftVerdictCode.Drop));
        connection.Commit(batch, "create");

        Assert.True(connection.HasTable(NftFamily.Ip6, "t"));
        Assert.False(connection.HasTable(NftFamily.Ip, "t"));
        Assert.Equal([Map, Verdicts], connection.Sets(NftFamily.Ip6, "t").OrderBy(set => set.Name));
        Assert.Equal([new NftChainInfo("base", NftHook.Prerouting, -100, "nat"), new NftChainInfo("c", null, 0, null)], connection.Chains(NftFamily.Ip6, "t").OrderBy(chain => chain.Name));
        var rule = Assert.Single(connection.Rules(NftFamily.Ip6, "t"));
        Assert.Equal(("base", "0003686900"), (rule.Chain, Convert.ToHexStringLower(rule.UserData)));
        var verdicts = new List<string>();
        connection.Elements(NftFamily.Ip6, "t", "v", verdicts.Clear, element => verdicts.Add($"{element.Key[1]}: {element.Verdict}"));
        Assert.Equal(["80: goto c", "81: drop"], verdicts.Order());
    }

    [Fact]
    public void ReadsASetWhoseElementsExpired_BeforeTheKernelCollectsThem()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var connection = PrivateNetwork.Open(NftConnection.Open);
        var batch = new NftBatch(NftFamily.Ip, "t");
        batch.AddTable();
        batch.AddSet(Map with { Flags = NftSetFlags.Map | NftSetFlags.Timeout });
        for (byte port = 0; port < 8; port++)
            batch.AddElement("m", [0, port, 0, 0], [1, 0, 0, 0], TimeSpan.FromMilliseconds(port == 0 ? 60_000 : 1));
        connection.Commit(batch, "create");
        Thread.Sleep(20); // They expire after one of the kernel's ticks, and are collected a second later.

        var count = 0;
        connection.Elements(NftFamily.Ip, "t", "m", () => count = 0, _ => count++);
        Assert.Equal(1, count);
    }

    [Fact]
    public async Task HearsOthers_ButNotItself()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (own, other, heard) = PrivateNetwork.Open(() =>
        {
            var connection = NftConnection.Open();
            return (connection, NftConnection.Open(), NftNotifications.Open("t", connection.PortId));
        });
        using var o = own;
        using var t = other;
        using var h = heard;
        var batch = new NftBatch(NftFamily.Ip, "t");
        batch.AddTable();
        batch.AddSet(Map);
        own.Commit(batch, "create");
        var foreign = new NftBatch(NftFamily.Ip, "another");
        foreign.AddTable();
        other.Commit(foreign, "another table");

        batch.Reset();
        batch.AddElement("m", [0, 1, 0, 0], [1, 0, 0, 0]);
        other.Commit(batch, "an element");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        Assert.Equal(NftForeignChange.Elements, await heard.ReceiveAsync(limit.Token));
        batch.Reset();
        batch.DeleteTable();
        other.Commit(batch, "delete");
        Assert.True((await heard.ReceiveAsync(limit.Token)).HasFlag(NftForeignChange.Structure));
    }
}
