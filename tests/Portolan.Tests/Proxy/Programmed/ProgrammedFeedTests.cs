using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy.Programmed;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy.Programmed;

public sealed class ProgrammedFeedTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("ptfeed").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _stopReading = new();
    private readonly ForwardingIndex _index = new(Context);
    private readonly SemaphoreSlim _woken = new(0);
    private readonly Lock _loop = new();
    private readonly List<Task> _running = [];
    private readonly ProgrammedFeed _feed;

    public ProgrammedFeedTests() => _feed = new ProgrammedFeed(SocketPath, TimeProvider.System, NullLogger.Instance);

    private string SocketPath => Path.Combine(_directory, "sub", "proxy.sock");

    private Task Serve()
    {
        var run = Task.Run(() => _feed.RunAsync(_ =>
        {
            _woken.Release();
            return ValueTask.CompletedTask;
        }, _stop.Token));
        _running.Add(run);
        return run;
    }

    // What the loop does once the kernel took everything.
    private void Program()
    {
        lock (_loop)
        {
            _index.TakeChanges();
            _feed.Publish(_index, _index.TakeServices());
        }
    }

    private async Task<StreamReader> Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
                break;
            }
            catch (SocketException) when (attempt < 400)
            {
                await Task.Delay(5);
            }
        }

        await _woken.WaitAsync(TimeSpan.FromSeconds(10));
        return new StreamReader(new NetworkStream(socket, ownsSocket: true), Encoding.UTF8);
    }

    private static async Task<string> Line(StreamReader reader) =>
        await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken) ?? "closed";

    private static async Task Until(Func<bool> condition, string what)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(20); !condition(); await Task.Delay(5))
            Assert.True(DateTime.UtcNow < deadline, "in vain: " + what);
    }

    [Fact]
    public async Task TellsTheWholeListAndThenEachChange()
    {
        _index.Set(Service() with { Uid = "u", ResourceVersion = "7", IpFamilies = [IpFamily.IPv4] });
        _index.Set(Slice([0, 1]));
        Program();
        _ = Serve();
        using var reader = await Connect();
        Program();
        Assert.Equal("""{"namespace":"default","name":"web","uid":"u","resourceVersion":"7","programmed":true,"localEndpoints":2,"clusterEndpoints":2,"addresses":["10.8.0.1","192.0.2.240"]}""", await Line(reader));
        Assert.Equal("""{"synced":true}""", await Line(reader));

        // Another version of the object is told although no rule is different.
        _index.Set(Service() with { Uid = "u", ResourceVersion = "8", Generation = 2 });
        Program();
        Assert.Contains("\"resourceVersion\":\"8\",\"generation\":2,\"programmed\":true", await Line(reader), StringComparison.Ordinal);
        _index.Set(Slice([0], nodeName: "elsewhere"));
        Program();
        Assert.Contains("\"localEndpoints\":0,\"clusterEndpoints\":1", await Line(reader), StringComparison.Ordinal);
        _index.Set(Service() with { Uid = "u", ResourceVersion = "9", ClusterIPs = [] });
        Program();
        Assert.Equal("""{"namespace":"default","name":"web","uid":"u","resourceVersion":"9","programmed":false,"localEndpoints":0,"clusterEndpoints":0}""", await Line(reader));
        _index.RemoveService(Service().Key);
        Program();
        Assert.Equal("""{"namespace":"default","name":"web","programmed":false,"localEndpoints":0,"clusterEndpoints":0}""", await Line(reader));
    }

    [Fact]
    public async Task LeavesOutAddressesThatBelongToAnotherService()
    {
        _index.Set(Service() with { CreatedAt = 1 });
        _index.Set(Service("younger") with { CreatedAt = 2, ClusterIPs = [IpAddress.Parse("10.8.0.2")], Ports = [new ServicePort("", Protocol.Tcp, 80, 0)] });
        _ = Serve();
        using var reader = await Connect();
        Program();
        string[] lines = [await Line(reader), await Line(reader)];
        Assert.EndsWith("\"addresses\":[\"10.8.0.2\"]}", lines.Single(line => line.Contains("younger", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.EndsWith("\"addresses\":[\"10.8.0.1\",\"192.0.2.240\"]}", lines.Single(line => line.Contains("web", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task IsForItsOwnUserOnly_AndLeavesNoFileBehind()
    {
        _ = Serve();
        using (await Connect())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
        await _stop.CancelAsync();
        await Until(() => !File.Exists(SocketPath), "the file is gone");
    }

    [Fact]
    public async Task ReplacesTheSocketOfADeadProcess_ButNotThatOfALivingOneNorAFile()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(SocketPath)!);
        await File.WriteAllTextAsync(SocketPath, "precious", TestContext.Current.CancellationToken);
        Assert.Contains("not a socket", (await Assert.ThrowsAsync<IOException>(Serve)).Message, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(SocketPath, TestContext.Current.CancellationToken));
        File.Delete(SocketPath);

        // A process that is killed leaves its file: so does another name of it.
        var elsewhere = Path.Combine(_directory, "dead.sock");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(elsewhere));
            dead.Listen();
            File.Move(elsewhere, SocketPath);
        }

        Assert.True(File.Exists(SocketPath));
        _ = Serve();
        using var reader = await Connect();
        Program();
        Assert.Equal("""{"synced":true}""", await Line(reader));
        Assert.Contains("another process listens", (await Assert.ThrowsAsync<IOException>(Serve)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AReaderThatDoesNotReadIsSentAway_AndNobodyElseNotices()
    {
        _ = Serve();
        using var slow = await Connect();
        using var quick = await Connect();
        Program();
        Assert.Equal("""{"synced":true}""", await Line(quick));
        Assert.Equal(2, _feed.Readers);
        var read = Task.Run(async () =>
        {
            string line;
            var count = 0;
            while (!(line = await Line(quick)).Contains("\"last\"", StringComparison.Ordinal))
                count++;
            return count;
        }, TestContext.Current.CancellationToken);
        var told = 0;
        for (; _feed.Readers == 2 && told < 1_000_000; told++)
        {
            // The quick one is given time to read: otherwise it would be slow itself.
            _index.Set(Service() with { ResourceVersion = new string('x', 20_000) });
            Program();
            if (told % 50 == 0)
                await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Equal(1, _feed.Readers);
        _index.Set(Service() with { ResourceVersion = "last" });
        Program();
        Assert.Equal(told, await read);
    }

    [Fact]
    public async Task TheReaderFollows_AndKeepsWhatItKnowsWhileTheProxyIsAway()
    {
        var changes = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var known = new ProgrammedServices(SocketPath, TimeProvider.System, NullLogger.Instance);
        _running.Add(known.RunAsync(key => changes.Enqueue(key?.ToString() ?? "complete"), _stopReading.Token));
        _index.Set(Service() with { ResourceVersion = "1" });
        _index.Set(Slice([0, 1]));
        _index.Set(Service("other") with { ResourceVersion = "1", ClusterIPs = [IpAddress.Parse("10.8.0.2")], Ingress = [] });
        _index.Set(Service("headless") with { ClusterIPs = [] });
        Assert.False(known.IsKnown);
        var serving = Serve();
        await _woken.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Program();
        await Until(() => known.IsKnown, "the list");
        Assert.Null(known.Find(Service("headless").Key));
        Assert.Equal(("1", 2), (known.Find(Service().Key)!.ResourceVersion, known.Find(Service().Key)!.LocalEndpoints));
        await Until(() => changes.Contains("complete"), "complete");
        _index.Set(Service() with { ResourceVersion = "2" });
        Program();
        await Until(() => known.Find(Service().Key)!.ResourceVersion == "2", "the change");

        // Another proxy comes, which knows one Service less and one more.
        await _stop.CancelAsync();
        await serving.ContinueWith(_ => { }, TaskScheduler.Default);
        changes.Clear();
        Assert.NotNull(known.Find(Service("other").Key));
        var index = new ForwardingIndex(Context);
        index.Set(Service() with { ResourceVersion = "2" });
        index.Set(Slice([0, 1]));
        index.Set(Service("new") with { ClusterIPs = [IpAddress.Parse("10.8.0.3")], Ingress = [], Ports = [new ServicePort("", Protocol.Tcp, 80, 0)] });
        index.TakeChanges();
        var next = new ProgrammedFeed(SocketPath, TimeProvider.System, NullLogger.Instance);
        _running.Add(Task.Run(() => next.RunAsync(_ =>
        {
            next.Publish(index, index.TakeServices());
            return ValueTask.CompletedTask;
        }, _stopReading.Token), TestContext.Current.CancellationToken));
        await Until(() => known.Find(Service("new").Key) is not null, "the new list");
        Assert.Null(known.Find(Service("other").Key));
        await Until(() => changes.Count == 2, "two changes");
        Assert.Equal(["default/new", "default/other"], changes.Order());
    }

    [Fact]
    public async Task TheReaderStartsOverAfterALineThatIsWrong()
    {
        using var listener = SocketFile.Listen(SocketPath);
        var known = new ProgrammedServices(SocketPath, TimeProvider.System, NullLogger.Instance);
        _running.Add(known.RunAsync(_ => { }, _stopReading.Token));
        foreach (var wrong in (string[])["{\"synced\":true}\nnonsense\n", "null\n", new string('x', 70_000), "{\"name\":7}\n"])
        {
            using var connection = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            await connection.SendAsync(Encoding.UTF8.GetBytes(wrong), TestContext.Current.CancellationToken);
            await Closed(connection).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }

        using var right = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        await right.SendAsync("""
            {"namespace":"a","name":"b","programmed":true,"addresses":["10.0.0.1"],"unknown":[1]}
            {"synced":true}

            """u8.ToArray(), TestContext.Current.CancellationToken);
        await Until(() => known.Find(new ObjectKey("a", "b")) is not null, "the list");
    }

    private static async Task Closed(Socket connection)
    {
        try
        {
            Assert.Equal(0, await connection.ReceiveAsync(new byte[1]));
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset)
        {
            // closed before it had read everything
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _stopReading.CancelAsync();
        await Task.WhenAll(_running.Select(run => run.ContinueWith(_ => { }, TaskScheduler.Default)));
        Directory.Delete(_directory, recursive: true);
        _stop.Dispose();
        _stopReading.Dispose();
        _woken.Dispose();
    }
}
