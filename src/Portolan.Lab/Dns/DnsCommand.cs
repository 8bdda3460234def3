using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Commands;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Dns;

/// <summary>The cluster's name server: the image of the lab's coredns Deployment.</summary>
internal static class DnsCommand
{
    private const int DnsPort = 53;
    private const int ReadyPort = 8181;

    public static Command Create()
    {
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "How to reach the API; in a pod the service account." };
        var master = new Option<string?>("--master") { Description = "The API server's URL, where it is not the one of the service account." };
        var command = new Command("dns", "Answer for cluster.local.") { kubeconfig, master };
        command.SetAction((parsed, cancel) => RunAsync(ClusterConnection.Load(parsed.GetValue(kubeconfig), parsed.GetValue(master)), cancel));
        return command;
    }

    private static async Task<int> RunAsync(ClusterConnection connection, CancellationToken ct)
    {
        using var loggers = LabLogging.ToConsole();
        var logger = loggers.CreateLogger("dns");
        using var client = new KubeClient(connection);
        var zone = new ClusterZone();
        var gate = new Lock();
        var waiting = 2;

        async Task FollowAsync<T>(ResourceType<T> type, Action<Change<T>> apply)
            where T : class, IKubeObject =>
            await new Reflector<T>(client, type, logger: logger).RunAsync(change =>
            {
                if (change.Kind is ChangeKind.Synced)
                    Interlocked.Decrement(ref waiting);
                else
                    lock (gate)
                        apply(change);
                return ValueTask.CompletedTask;
            }, ct).ConfigureAwait(false);

        var server = new DnsServer(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, DnsPort, (question, answers) =>
        {
            lock (gate)
                return zone.Resolve(question.Name, question.Type, answers);
        });
        await using var ready = ReadyServer(() => Volatile.Read(ref waiting) == 0);
        await ready.StartAsync(ct).ConfigureAwait(false);
        try
        {
            await await Task.WhenAny(
                FollowAsync(Kinds.Services, change => zone.Set(change.Key, change.New)),
                FollowAsync(Kinds.EndpointSlices, change => zone.Set(change.Key, change.New)),
                server.RunAsync(port => logger.LogInformation("answering on port {Port}", port), ct)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
        }

        return CommandLine.Done;
    }

    // Not ready before both lists are in: a name must not be denied because it was not read yet.
    private static WebApplication ReadyServer(Func<bool> isReady)
    {
        // The slim builder watches the working directory for settings, which in a pod is the whole file system.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenAnyIP(ReadyPort));
        var application = builder.Build();
        application.Run(async context =>
        {
            context.Response.StatusCode = isReady() ? 200 : 503;
            await context.Response.WriteAsync(isReady() ? "OK\n" : "still reading the cluster\n").ConfigureAwait(false);
        });
        return application;
    }
}
