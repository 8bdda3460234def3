using Portolan.Commands;
using Portolan.Hosting;

namespace Portolan.Tests;

public sealed class CommandTreeTests
{
    [Fact]
    public async Task PrintsItsVersion()
    {
        var output = new StringWriter();
        var exitCode = await CommandTree.Create().Parse(["version"]).InvokeAsync(new() { Output = output }, TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.Done, exitCode);
        Assert.StartsWith("portolan 0.", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("version", "--loud")]
    public void RefusesWhatItDoesNotKnow(params string[] arguments) => Assert.NotEmpty(CommandTree.Create().Parse(arguments).Errors);
}
