using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Kubernetes.Tests.Watching;

/// <summary>A server whose watches never say anything: what is new is only in its lists.</summary>
public sealed class ReflectorRefreshTests : IAsyncLifetime
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<string> _lists = new();
    private readonly List<string> _reported = [];
    private readonly TaskCompletionSource _watched = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _life = new();
    private volatile string _names = "old";
    private volatile TaskCompletionSource? _hold;

    public ReflectorRefreshTests()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public async ValueTask InitializeAsync() => await _app.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _life.CancelAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
        _life.Dispose();
    }

    [Fact]
    public async Task ReportsWhatTheWatchHasNotShown_BeforeItCompletes()
    {
        using var client = Client();
        var reflector = Run(client);
        await _watched.Task.WaitAsync(TestContext.Current.CancellationToken);
        _names = "old,new";
        Assert.DoesNotContain("Added new", Reported());
        await reflector.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["Added old", "Synced ", "Added new"], Reported());
        await reflector.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, Reported().Count);
        Assert.Equal(3, _lists.Count);
        Assert.All(_lists, query => Assert.DoesNotContain("resourceVersion", query, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AsksOnce_WhenItIsAskedForBeforeTheFirstList()
    {
        using var client = Client();
        var reflector = new Reflector<ConfigMap>(client, Kinds.ConfigMaps);
        var refreshed = reflector.RefreshAsync(TestContext.Current.CancellationToken);
        Run(client, reflector);
        await refreshed;
        Assert.Contains("Added old", Reported());
        Assert.Single(_lists);
    }

    [Fact]
    public async Task DoesNotTakeAListThatBeganBefore()
    {
        _hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = Client();
        var reflector = Run(client);
        while (_lists.IsEmpty)
            await Task.Delay(10, TestContext.Current.CancellationToken);
        var refreshed = reflector.RefreshAsync(TestContext.Current.CancellationToken);
        _names = "old,new";
        _hold.SetResult();
        await refreshed;
        Assert.Contains("Added new", Reported());
        Assert.Equal(2, _lists.Count);
    }

    private KubeClient Client() => new(new ClusterConnection { Server = new Uri(_app.Urls.Single()) });

    private Reflector<ConfigMap> Run(KubeClient client, Reflector<ConfigMap>? reflector = null)
    {
        reflector ??= new Reflector<ConfigMap>(client, Kinds.ConfigMaps);
        _ = reflector.RunAsync(
            change =>
            {
                lock (_reported)
                    _reported.Add($"{change.Kind} {change.Key.Name}");
                return ValueTask.CompletedTask;
            },
            _life.Token);
        return reflector;
    }

    private List<string> Reported()
    {
        lock (_reported)
            return [.. _reported];
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Query.ContainsKey("watch"))
        {
            await context.Response.StartAsync();
            _watched.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        // A list is what there is when it begins.
        var items = string.Join(',', _names.Split(',').Select(name => $$"""{"metadata":{"name":"{{name}}","namespace":"n","uid":"{{name}}","resourceVersion":"1"} }"""));
        _lists.Enqueue(context.Request.QueryString.Value ?? "");
        if (_hold is { } hold)
            await hold.Task;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($$"""{"metadata":{"resourceVersion":"1"},"items":[{{items}}]}"""));
    }
}
