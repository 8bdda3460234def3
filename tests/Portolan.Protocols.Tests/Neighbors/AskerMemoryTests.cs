using CsCheck;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Neighbors;

namespace Portolan.Protocols.Tests.Neighbors;

public sealed class AskerMemoryTests
{
    [Fact]
    public void RemembersEachClientOfEachAddressOnce_TheLatestFirst()
    {
        var memory = new AskerMemory<IPv4>();
        memory.Note(Asker(1, 1));
        memory.Note(Asker(2, 1));
        memory.Note(Asker(1, 2));
        memory.Note(Asker(1, 1) with { Address = new IPv4(77) }); // it has another address now
        Assert.Equal([Asker(1, 1) with { Address = new IPv4(77) }, Asker(1, 2), Asker(2, 1)], memory.ToArray());
        Assert.False(memory.Learn(Asker(2, 1)));
        Assert.True(memory.Learn(Asker(3, 1)));
        Assert.Equal([Asker(3, 1), Asker(1, 1) with { Address = new IPv4(77) }], memory.ToArray().Take(2));
    }

    [Fact]
    public void TellsWhomThisNodeAnswered_AndWhetherThatIsNews()
    {
        var memory = new AskerMemory<IPv4>(2);
        memory.Note(Asker(1, 1), isAnswered: true);
        memory.Note(Asker(2, 1));
        var before = memory.Version;
        memory.Note(Asker(1, 1), isAnswered: true);
        memory.Note(Asker(2, 1));
        Assert.Equal(before, memory.Version);
        Assert.Equal([Asker(1, 1)], memory.WhereAnswered());
        memory.Answered(Asker(2, 1)); // it was told, without having asked
        memory.Answered(Asker(3, 1)); // nobody
        Assert.Equal([Asker(2, 1), Asker(1, 1)], memory.WhereAnswered());
        Assert.NotEqual(before, memory.Version);

        // Another node answered it, or it is forgotten.
        memory.Note(Asker(1, 1));
        Assert.Equal([Asker(2, 1)], memory.WhereAnswered());
        before = memory.Version;
        memory.Note(Asker(4, 1));
        Assert.Empty(memory.WhereAnswered());
        Assert.NotEqual(before, memory.Version);
    }

    [Fact]
    public void ForgetsWhoHasNotAskedForLongest_AndAllocatesNothingForIt()
    {
        var memory = new AskerMemory<IPv4>(64);
        for (var i = 0; i < 64; i++)
            memory.Note(Asker(i, 1));
        memory.Note(Asker(0, 1));
        memory.Note(Asker(64, 1));
        Assert.Equal([Asker(64, 1), Asker(0, 1), Asker(63, 1)], memory.ToArray().Take(3));
        Assert.DoesNotContain(Asker(1, 1), memory.ToArray());
        Assert.Equal(64, memory.Count);

        Assert.Equal(0, Allocations.Of(() =>
        {
            for (var i = 0; i < 10_000; i++)
                memory.Note(Asker(i, 1));
        }));
    }

    [Fact]
    public void HoldsWhatAListWouldHold() => Gen.Select(Gen.Int[1, 9], Gen.Int[0, 12].Array[0, 60]).Sample((capacity, clients) =>
    {
        var memory = new AskerMemory<IPv4>(capacity);
        var model = new List<Asker<IPv4>>();
        foreach (var client in clients)
        {
            memory.Note(Asker(client, client % 3));
            model.Remove(Asker(client, client % 3));
            model.Insert(0, Asker(client, client % 3));
            if (model.Count > capacity)
                model.RemoveAt(capacity);
        }

        Assert.Equal(model, memory.ToArray());
    });

    private static Asker<IPv4> Asker(int client, int target)
    {
        var mac = MacAddress.Read([0x02, 0, 0, 0, (byte)(client >> 8), (byte)client]);
        return new Asker<IPv4>(mac, new IPv4(0x0a000000 + (uint)client), new IPv4(0xc0a86400 + (uint)target));
    }
}
