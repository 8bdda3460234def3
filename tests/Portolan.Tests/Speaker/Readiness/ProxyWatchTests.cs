using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Forwarding;
using Portolan.Proxy.Programmed;
using Portolan.Speaker.Readiness;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Speaker.Readiness;

/// <summary>
/// Against Portolan's real end of the socket. kube-proxy cannot run here: of it there is an HTTP server that answers as its health check does.
/// </summary>
public sealed class ProxyWatchTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("ptwatch").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _heard = new();
    private readonly List<Task> _running = [];

    private string SocketPath => Path.Combine(_directory, "proxy.sock");

    [Fact]
    [Contract("§4 data plane")]
    public async Task FollowsTheProxysSocket_ThroughItsDeathAndReturn()
    {
        var watch = Watch(null);
        var index = new ForwardingIndex(Context);
        index.Set(Service());
        index.Set(Slice([0, 1]));
        await using (var feed = new Feed(SocketPath, index))
        {
            await Until("Connected", "Synced");
            Assert.Equal([Service().Key], watch.TakeChanged());
            Assert.Empty(watch.TakeChanged());
            Assert.True(ProgrammingDelay.IsServed(Service(), watch.Services.Find(Service().Key)));
            feed.Change(() => index.RemoveService(Service().Key));
            await Until(() => watch.TakeChanged().Contains(Service().Key), "the change");
            Assert.Null(watch.Services.Find(Service().Key));
        }

        await Until("Absent");
        await using (new Feed(SocketPath, index))
            await Until("Connected", "Synced");
    }

    [Fact]
    public async Task AsksTheHealthCheck_OnlyWhileNobodyListensAtTheSocket()
    {
        using var server = new HttpListener();
        var url = FreeUrl(server);
        var status = 200;
        var asked = 0;
        _running.Add(Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                HttpListenerContext request;
                try
                {
                    request = await server.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }

                Interlocked.Increment(ref asked);
                request.Response.StatusCode = Volatile.Read(ref status);
                request.Response.Close();
            }
        }));
        _ = Watch(new Uri(url + "healthz"));
        await Until("healthz True");
        Volatile.Write(ref status, 503);
        await Until("healthz False");
        var index = new ForwardingIndex(Context);
        await using (new Feed(SocketPath, index))
        {
            await Until("Connected", "Synced");
            var before = Volatile.Read(ref asked);
            await Task.Delay(4500, TestContext.Current.CancellationToken); // twice its time
            Assert.InRange(Volatile.Read(ref asked), before, before + 1); // one may have been under way
        }

        await Until("Absent", "healthz False");
        server.Close();
        await Until("healthz ");
    }

    [Fact]
    public async Task SaysNothing_WhereThereIsNoProxyAtAll()
    {
        using var server = new HttpListener();
        var url = FreeUrl(server);
        server.Close();
        var watch = Watch(new Uri(url + "healthz"));
        await Task.Delay(2500, TestContext.Current.CancellationToken);
        Assert.Empty(_heard);
        Assert.Empty(watch.TakeChanged());
        Assert.False(watch.Services.IsKnown);
    }

    [Fact]
    public async Task AHealthCheckThatHangs_IsNotWell()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _ = Watch(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/healthz"));
        await Until("healthz False");
    }

    private ProxyWatch Watch(Uri? healthz)
    {
        var watch = new ProxyWatch(
            SocketPath, healthz, TimeProvider.System, NullLogger.Instance,
            connection => _heard.Enqueue(connection.ToString()), isWell => _heard.Enqueue("healthz " + isWell), () => { });
        _running.Add(watch.FollowSocketAsync(_stop.Token));
        _running.Add(watch.AskHealthzAsync(_stop.Token));
        return watch;
    }

    private static string FreeUrl(HttpListener server)
    {
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        probe.Stop();
        server.Prefixes.Add(url);
        server.Start();
        return url;
    }

    private async Task Until(params string[] expected)
    {
        foreach (var news in expected)
        {
            string? heard = null;
            await Until(() => _heard.TryDequeue(out heard), news);
            Assert.Equal(news, heard);
        }
    }

    private static async Task Until(Func<bool> condition, string what)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(20); !condition(); await Task.Delay(5))
            Assert.True(DateTime.UtcNow < deadline, "in vain: " + what);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).ContinueWith(_ => { }, TaskScheduler.Default);
        Directory.Delete(_directory, recursive: true);
        _stop.Dispose();
    }

    /// <summary>A proxy's end of the socket, and the loop that publishes.</summary>
    private sealed class Feed : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Lock _loop = new();
        private readonly ForwardingIndex _index;
        private readonly ProgrammedFeed _feed;
        private readonly Task _run;

        public Feed(string path, ForwardingIndex index)
        {
            _index = index;
            _feed = new ProgrammedFeed(path, TimeProvider.System, NullLogger.Instance);
            _run = Task.Run(() => _feed.RunAsync(_ =>
            {
                Change(() => { });
                return ValueTask.CompletedTask;
            }, _stop.Token));
        }

        public void Change(Action change)
        {
            lock (_loop)
            {
                change();
                _index.TakeChanges();
                _feed.Publish(_index, _index.TakeServices());
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run.ContinueWith(_ => { }, TaskScheduler.Default);
            _stop.Dispose();
        }
    }
}
