using Portolan.Bfd;
using Portolan.Core.Addresses;

namespace Portolan.Tests.Bfd;

public sealed class PartingsTests
{
    private const long Ms = 1000;
    private static readonly SessionName _one = new(IpAddress.Parse("10.0.0.1"), IpAddress.Parse("10.0.0.2"));
    private static readonly SessionName _other = new(IpAddress.Parse("10.0.0.1"), IpAddress.Parse("10.0.0.3"));

    [Fact]
    public void HasItsWordRepeated_AndIsOverThen()
    {
        var partings = new Partings();
        partings.Add(_one, 0, 3_000 * Ms, repeats: true);
        Assert.Equal([(10 * Ms, _one, false), (20 * Ms, _one, false), (3_000 * Ms, _one, true)], Follow(partings));
    }

    [Fact]
    public void IsForgottenWithoutAWord_OrStays()
    {
        var partings = new Partings();
        partings.Add(_one, 0, 3_000 * Ms, repeats: false);
        partings.Add(_other, 0, 60_000 * Ms, repeats: false);
        partings.Remove(_one);
        Assert.Equal([(60_000 * Ms, _other, true)], Follow(partings));
    }

    private static List<(long At, SessionName Name, bool IsOver)> Follow(Partings partings)
    {
        var all = new List<(long, SessionName, bool)>();
        while (partings.Deadline is not long.MaxValue and var now)
        {
            Assert.False(partings.TryTake(now - 1, out _, out _));
            while (partings.TryTake(now, out var name, out var isOver))
                all.Add((now, name, isOver));
        }

        return all;
    }
}
