using Portolan.Hosting;

namespace Portolan.Tests.Hosting;

public sealed class DurationOptionTests
{
    [Theory]
    [InlineData("4s", 4000)]
    [InlineData("500ms", 500)]
    [InlineData("1.5s", 1500)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1h0m0.25s", 3_600_250)]
    [InlineData("0", 0)]
    public void ReadsGosDurations(string text, double milliseconds)
    {
        Assert.True(DurationOption.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("4")]
    [InlineData("s")]
    [InlineData("-4s")]
    [InlineData("4 s")]
    [InlineData("4parsecs")]
    [InlineData("1.2.3s")]
    [InlineData("99999999h")]
    public void RefusesWhatIsNone(string text) => Assert.False(DurationOption.TryParse(text, out _));
}
