using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Lab.ApiServer;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>An API server in this process, on a loopback port, shared by the tests of a class (each uses a namespace of its own).</summary>
public class RunningServer : IAsyncLifetime
{
    private ServerState? _state;
    private ApiServerHost? _host;
    private ILoggerFactory? _loggers;
    private int _namespaces;

    internal HistoryLimits History { private get; init; } = HistoryLimits.Default;
    internal ServerState State => _state!;
    internal ApiServerHost Host => _host!;
    internal ApiClient Client { get; private set; } = null!;
    internal string Address => _host!.Addresses.Single();

    /// <summary>The server's settings, but for where its state is.</summary>
    private protected virtual ApiServerOptions Options(string state) =>
        new() { StateDirectory = state, Bind = new(IPAddress.Loopback, 0), Advertised = IPEndPoint.Parse("192.168.100.10:6443"), History = History };

    public async ValueTask InitializeAsync()
    {
        _state = new();
        _loggers = LoggerFactory.Create(b => b.AddConsole().SetMinimumLevel(LogLevel.Warning));
        _host = await ApiServerHost.StartAsync(
            Options(_state.Directory), new SchemaCatalogue(), TimeProvider.System, _loggers, CancellationToken.None);
        Client = new(Address, _state.AuthorityPem, _state.Admin);
    }

    internal ApiClient Anonymous(bool http2 = false) => new(Address, State.AuthorityPem, null, http2);

    /// <summary>A new namespace with its default service account; gives the path of its core resources, <c>/api/v1/namespaces/x</c>.</summary>
    internal async Task<string> NamespaceAsync()
    {
        var name = $"t{Interlocked.Increment(ref _namespaces)}";
        await Client.DoAsync("POST", "/api/v1/namespaces", $$"""{"metadata": {"name": "{{name}}" } }""");
        await Client.DoAsync("POST", $"/api/v1/namespaces/{name}/serviceaccounts", """{"metadata":{"name":"default"}}""");
        return $"/api/v1/namespaces/{name}";
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _host!.DisposeAsync();
        _loggers!.Dispose();
        _state!.Dispose();
    }
}
