using System.Text.RegularExpressions;

using Portolan.Lab.Commands;

namespace Portolan.Lab.Tests.Commands;

public sealed class ProgressTests
{
    [Fact]
    public void PipeGetsPlainLines_EachThingOnce()
    {
        var lines = Lines(live: false);
        Assert.Equal(["waiting", "1 of 2", "2 of 2"], lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => Regex.Replace(l, @"^ *\d+\.\d s  ", "")));
    }

    [Fact]
    public void TerminalGetsOneLiveLine_ThatTheResultReplaces()
    {
        var text = Lines(live: true);
        Assert.Equal(1, text.Count(c => c == '\n'));
        Assert.EndsWith("2 of 2\n", text, StringComparison.Ordinal);
    }

    private static string Lines(bool live)
    {
        var output = new StringWriter { NewLine = "\n" };
        var progress = new Progress(output, live);
        progress.Now("waiting");
        progress.Now("1 of 2");
        progress.Now("1 of 2");
        progress.Now("2 of 2");
        progress.Done("2 of 2");
        return output.ToString();
    }
}
