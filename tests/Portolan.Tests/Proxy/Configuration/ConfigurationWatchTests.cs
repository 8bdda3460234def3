using Microsoft.Extensions.Time.Testing;
using Portolan.Proxy.Configuration;
using Portolan.Tests.Proxy.Cleanup;

namespace Portolan.Tests.Proxy.Configuration;

public sealed class ConfigurationWatchTests : IDisposable
{
    private const string Before = OptionsFixture.Header + "mode: nftables\n";
    private const string After = OptionsFixture.Header + "mode: ipvs\n";
    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly RecordedLog _log = new();
    private readonly string _file;

    public ConfigurationWatchTests()
    {
        _file = Path.Combine(_directory, "config.conf");
        File.WriteAllText(_file, Before);
    }

    private Task Watch(string? path = null) => new ConfigurationWatch(path ?? _file, Before, _time, _log).RunAsync(_stop.Token);

    private async Task PassTime(Func<bool> until)
    {
        for (var i = 0; i < 1000 && !until(); i++)
        {
            _time.Advance(ConfigurationWatch.Period);
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }

        Assert.True(until());
    }

    private async Task PassSomeTime()
    {
        var rounds = 0;
        await PassTime(() => ++rounds > 20);
    }

    [Fact]
    public async Task Ends_WhenTheFileIsAnother()
    {
        var watch = Watch();
        await PassSomeTime();
        Assert.False(watch.IsCompleted);
        File.WriteAllText(_file, After);
        await PassTime(() => watch.IsCompletedSuccessfully);
        Assert.EndsWith("has changed; ending, to be started with it", Assert.Single(_log.Lines));
    }

    [Fact]
    public async Task GoesOn_WhenTheFileCannotBeUsed_AndEndsWhenItIsMended()
    {
        var watch = Watch();
        File.WriteAllText(_file, OptionsFixture.Header + "mode: magic\n");
        await PassTime(() => _log.Lines.Count > 0);
        await PassSomeTime();
        Assert.False(watch.IsCompleted);
        Assert.Contains("mode: \"magic\" is none of nftables, iptables and ipvs", Assert.Single(_log.Lines), StringComparison.Ordinal);
        File.WriteAllText(_file, Before);
        await PassSomeTime();
        Assert.False(watch.IsCompleted);
        File.WriteAllText(_file, After);
        await PassTime(() => watch.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task OnlyTells_WhenAConfigMapIsAnother()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "..first"));
        Directory.CreateDirectory(Path.Combine(_directory, "..second"));
        File.WriteAllText(Path.Combine(_directory, "..first", "map.conf"), Before);
        File.WriteAllText(Path.Combine(_directory, "..second", "map.conf"), After);
        var data = Path.Combine(_directory, "..data");
        Directory.CreateSymbolicLink(data, "..first");
        var file = Path.Combine(_directory, "map.conf");
        File.CreateSymbolicLink(file, "..data/map.conf");
        var watch = Watch(file);
        await PassSomeTime();
        Directory.Delete(data);
        Directory.CreateSymbolicLink(data, "..second");
        await PassTime(() => _log.Lines.Count > 0);
        await PassSomeTime();
        Assert.False(watch.IsCompleted);
        Assert.EndsWith("that takes effect at the next start", Assert.Single(_log.Lines));
    }

    [Fact]
    public async Task GoesOn_WhenTheFileIsGone()
    {
        var watch = Watch();
        File.Delete(_file);
        await PassSomeTime();
        Assert.False(watch.IsCompleted);
        Assert.Empty(_log.Lines);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
