using System.Text;

using Microsoft.Extensions.Time.Testing;

using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Logs;

namespace Portolan.Lab.Tests.Nodes;

public sealed class LogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("portolan-log").FullName;
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task GivesBackWhatWasWritten_LineByLine()
    {
        using var log = Log();
        Write(log, "one\ntwo");
        Write(log, " and a half\nno end");
        log.End();
        Assert.Equal("one\ntwo and a half\nno end\n", await ReadAsync(log, new LogQuery()));
        Assert.Equal("2026-01-02T03:04:05.000000000Z one\n", (await ReadAsync(log, new LogQuery(Timestamps: true)))[..35]);
        Assert.StartsWith("2026-01-02T03:04:05.000000000Z stdout F one\n", await File.ReadAllTextAsync(log.Path));
    }

    [Fact]
    public async Task LogOfAnEarlierAgentIsReadAgain_AndChangesNoMore()
    {
        var path = Path.Combine(_directory, "earlier", "0.log");
        using (var written = new ContainerLog(path, _clock))
            Write(written, "last words\n");
        using var found = ContainerLog.Find(path, _clock)!;
        Write(found, "too late\n");
        Assert.Equal("last words\n", await ReadAsync(found, new LogQuery(Follow: true)));
        Assert.Null(ContainerLog.Find(path + ".none", _clock));
    }

    [Theory]
    [InlineData(0L, "")]
    [InlineData(2L, "b\nc\n")]
    [InlineData(9L, "a\nb\nc\n")]
    public async Task TailsTheLastLines(long lines, string expected)
    {
        using var log = Log();
        Write(log, "a\nb\nc\n");
        Assert.Equal(expected, await ReadAsync(log, new LogQuery(TailLines: lines)));
    }

    [Fact]
    public async Task LimitsBytes_AndTime()
    {
        using var log = Log();
        Write(log, "old\n");
        _clock.Advance(TimeSpan.FromSeconds(60));
        Write(log, "newer\n");
        Assert.Equal("old\nn", await ReadAsync(log, new LogQuery(LimitBytes: 5)));
        Assert.Equal("newer\n", await ReadAsync(log, LogQuery.Parse(n => n == "sinceSeconds" ? "30" : null, _clock.GetUtcNow())));
    }

    [Fact]
    public async Task FollowsUntilTheContainerEnds_ThroughAChangeOfFile()
    {
        using var log = new ContainerLog(Path.Combine(_directory, "small.log"), _clock, capacity: 500);
        Write(log, "line 0\n");
        var following = ReadAsync(log, new LogQuery(Follow: true));
        for (var i = 1; i < 100; i++)
        {
            Write(log, $"line {i}\n");
            await Task.Delay(1);
        }
        log.End();
        var lines = (await following.WaitAsync(TimeSpan.FromSeconds(20))).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines.Order(Comparer<string>.Create((a, b) => Number(a).CompareTo(Number(b)))), lines);
        Assert.Equal("line 99", lines[^1]);
        Assert.True(new FileInfo(log.Path).Length <= 600);

        static int Number(string line) => int.Parse(line[5..]);
    }

    [Fact]
    public async Task SplitsALineThatIsTooLong_AndJoinsItAgain()
    {
        using var log = Log();
        var text = new string('x', 50_000);
        Write(log, text + "\nnext\n");
        Assert.Equal(text + "\nnext\n", await ReadAsync(log, new LogQuery()));
        Assert.Equal("next\n", await ReadAsync(log, new LogQuery(TailLines: 1)));
    }

    [Theory]
    [InlineData("tailLines", "-1")]
    [InlineData("sinceSeconds", "0")]
    [InlineData("limitBytes", "many")]
    [InlineData("sinceTime", "yesterday")]
    public void NamesTheParameterThatIsWrong(string name, string value) =>
        Assert.StartsWith(name, Assert.Throws<FormatException>(() => LogQuery.Parse(n => n == name ? value : null, _clock.GetUtcNow())).Message);

    private ContainerLog Log() => new(Path.Combine(_directory, "0.log"), _clock);

    private static void Write(ContainerLog log, string text) => log.Write(new OutputChunk(OutputStream.Out, Encoding.UTF8.GetBytes(text)));

    private static async Task<string> ReadAsync(ContainerLog log, LogQuery query)
    {
        var text = new StringBuilder();
        await LogReader.CopyAsync(log, query, bytes =>
        {
            text.Append(Encoding.UTF8.GetString(bytes.Span));
            return ValueTask.CompletedTask;
        }, TestContext.Current.CancellationToken);
        return text.ToString();
    }
}
