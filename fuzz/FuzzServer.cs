using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Lab.ApiServer;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Server;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Fuzz;

/// <summary>The process that is fuzzed: an API server, and the node agent's exec and attach streams with an echo behind them in place of a container.</summary>
internal static class FuzzServer
{
    public static async Task<int> RunAsync()
    {
        using var state = new ServerState();
        await File.WriteAllTextAsync(Path.Combine(state.Directory, "admin.crt"), state.Admin.CertificatePem);
        await File.WriteAllTextAsync(Path.Combine(state.Directory, "admin.key"), state.Admin.KeyPem);
        using var loggers = LoggerFactory.Create(b => b.AddConsole(c => c.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Error));
        await using var api = await ApiServerHost.StartAsync(
            new() { StateDirectory = state.Directory, Bind = new(IPAddress.Loopback, 0), Advertised = IPEndPoint.Parse("192.168.100.10:6443") },
            new SchemaCatalogue(), TimeProvider.System, loggers, CancellationToken.None);
        await using var streams = Streams();
        await streams.StartAsync();
        Console.WriteLine($"{new Uri(api.Addresses.Single()).Port} {new Uri(streams.Urls.Single()).Port} {state.Directory}");
        var ended = Task.Run(Console.In.ReadToEnd);
        if (await Task.WhenAny(ended, api.RunAsync(CancellationToken.None)) != ended) return 1;
        return 0;
    }

    private static WebApplication Streams()
    {
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(ServeAsync);
        return app;
    }

    private static async Task ServeAsync(HttpContext http)
    {
        try
        {
            await HandleAsync(http);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException or WebSocketException && (http.RequestAborted.IsCancellationRequested || http.Response.HasStarted))
        {
            // The client left: no harm done.
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync($"unexpected: {e}");
            http.Abort();
        }
    }

    private static async Task HandleAsync(HttpContext http)
    {
        switch (http.Request.Path.Value)
        {
            case "/cel":
                await CelEndpoint.ServeAsync(http);
                return;
            case "/settle":
                // What is garbage is no growth.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                return;
        }

        var terminal = http.Request.Path == "/tty";
        var wanted = new StreamSet(Stdin: true, Stdout: true, Stderr: !terminal, Terminal: terminal);
        if (http.WebSockets.IsWebSocketRequest) await WebSocketStreams.ServeAsync(http, wanted, EchoAsync);
        else await SpdyStreams.ServeAsync(http, wanted, EchoAsync, NullLogger.Instance);
    }

    private static async Task EchoAsync(IRemoteStreams streams, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var resizes = ResizesAsync(streams, over.Token);
        try
        {
            while (await streams.ReadInputAsync(cancellation) is { Length: > 0 } bytes)
            {
                await streams.WriteAsync(OutputStream.Out, bytes, cancellation);
                await streams.WriteAsync(OutputStream.Error, bytes, cancellation);
            }
        }
        finally
        {
            await over.CancelAsync();
            await resizes.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await streams.FinishAsync(RemoteStatus.Success(), cancellation);
    }

    private static async Task ResizesAsync(IRemoteStreams streams, CancellationToken cancellation)
    {
        while (await streams.ReadResizeAsync(cancellation) is not null)
        {
            // Nothing here has a size.
        }
    }
}
