using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;

namespace Portolan.Tests.Hosting;

public sealed class JsonLineLogsTests
{
    [Fact]
    public void WritesOneObjectALine_WithMetalLBsKeys()
    {
        var line = Written(LogLevel.Information, log => log.LogWarning("no address for {Service}: {Free} left", "default/web", 0));
        Assert.Equal(["ts", "level", "caller", "msg", "service", "free"], line.Select(property => property.Key));
        Assert.Equal("warn", (string?)line["level"]);
        Assert.Equal("Controller.Loop", (string?)line["caller"]);
        Assert.Equal("no address for default/web: 0 left", (string?)line["msg"]);
        Assert.Equal(0, (int?)line["free"]);
        Assert.True(DateTimeOffset.TryParse((string?)line["ts"], out _));
    }

    [Fact]
    public void SaysWhatWentWrong_WithItsCause()
    {
        var line = Written(LogLevel.Information, log => log.LogError(new IOException("no route", new TimeoutException("10 s passed")), "cannot reach {Server}", "a"));
        Assert.Equal("no route: 10 s passed", (string?)line["error"]);
    }

    [Theory]
    [InlineData("error", LogLevel.Warning, false)]
    [InlineData("warn", LogLevel.Warning, true)]
    [InlineData("all", LogLevel.Trace, true)]
    [InlineData("debug", LogLevel.Trace, false)]
    [InlineData("none", LogLevel.Critical, false)]
    public void WritesFromTheAskedSeverityOn(string word, LogLevel level, bool written)
    {
        using var output = new MemoryStream();
        using var logs = new JsonLineLogs(output, LogVerbosity.Parse(word), TimeProvider.System);
        logs.CreateLogger("x").Log(level, "said");
        Assert.Equal(written, output.Length > 0);
    }

    private static JsonObject Written(LogLevel minimum, Action<ILogger> say)
    {
        using var output = new MemoryStream();
        using var logs = new JsonLineLogs(output, minimum, TimeProvider.System);
        say(logs.CreateLogger("Portolan.Controller.Loop"));
        var text = Encoding.UTF8.GetString(output.ToArray());
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        return JsonNode.Parse(text)!.AsObject();
    }
}
