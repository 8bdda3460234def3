using Portolan.Linux.Nftables;

namespace Portolan.Linux.Tests.Nftables;

public sealed class ElementTallyTests
{
    [Fact]
    public void SeesWhatIsListedTwice_AndTellsTheSameOfTheSameElementsInAnyOrder()
    {
        var (there, back) = (new ElementTally(), new ElementTally());
        for (var i = 0; i < 100_000; i++)
        {
            there.Add(Element(i));
            back.Add(Element(99_999 - i));
        }

        Assert.True(there.AreDistinct());
        Assert.Equal((there.Count, there.Sum), (back.Count, back.Sum));
        back.Add(Element(7));
        Assert.False(back.AreDistinct());

        // One twice, and another never: the number is right.
        there.Clear();
        for (var i = 0; i < 100_000; i++)
            there.Add(Element(i == 500 ? 501 : i));
        Assert.Equal(100_000, there.Count);
        Assert.False(there.AreDistinct());
    }

    [Fact]
    public void TellsRangesFromTheirBegins()
    {
        var tally = new ElementTally();
        tally.Add(new NftElement { Key = [1, 2], KeyEnd = [1, 3] });
        tally.Add(new NftElement { Key = [1, 2], KeyEnd = [1, 4] });
        tally.Add(new NftElement { Key = [1, 2] });
        tally.Add(new NftElement { Key = [1, 2], IsIntervalEnd = true });
        tally.Add(new NftElement { Key = [1, 2, 1, 3] });
        Assert.True(tally.AreDistinct());
    }

    private static NftElement Element(int i) => new() { Key = BitConverter.GetBytes(i) };
}
