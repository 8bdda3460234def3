using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Commands.Install;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Tests.ApiServer;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Lab.Tests.Deploy;

/// <summary>What the speaker does with nothing but the rights that the manifests give its service account.</summary>
public sealed class SpeakerRightsTests : IAsyncLifetime
{
    private const string Namespace = "metallb-system";
    private readonly RunningServer _server = new();
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromSeconds(60));

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        using var admin = Client(null);
        var applier = new ManifestApplier(admin, TextWriter.Null, TimeProvider.System);
        string[] kinds = ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
        await applier.ApplyAsync(Manifests.System(Namespace, "portolan").Where(item => kinds.Contains((string?)item["kind"])), _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task TellsOfAConflictInACondition_BesideOthers()
    {
        using var admin = Client(null);
        var service = await admin.CreateAsync(Kinds.Services, "default", new Service
        {
            Metadata = new ObjectMeta { Name = "web", Namespace = "default" },
            Spec = new ServiceSpec { Type = "LoadBalancer", Ports = [new ServicePortSpec { Port = 80 }] },
        }, _stop.Token);
        service.Status = new ServiceStatus
        {
            LoadBalancer = new LoadBalancerStatus { Ingress = [new LoadBalancerIngress { IP = "192.168.100.240" }] },
            Conditions = [new Condition { Type = "example.com/Other", Status = "True", Reason = "R", Message = "m", LastTransitionTime = DateTimeOffset.UnixEpoch }],
        };
        await admin.ReplaceStatusAsync(Kinds.Services, service, _stop.Token);

        var token = (string)(await _server.Client.DoAsync(
            "POST", $"/api/v1/namespaces/{Namespace}/serviceaccounts/speaker/token", """{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}"""))["status"]!["token"]!;
        using var client = Client(token);
        var conditions = new ConflictConditions(client, TimeProvider.System, NullLogger.Instance);
        using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var running = conditions.RunAsync(life.Token);
        conditions.Want(new ObjectKey("default", "gone"), isTrue: true, "AddressClaimed", "a Service that is gone disturbs nothing");
        conditions.Want(new ObjectKey("default", "web"), isTrue: true, "AddressClaimed", "02:00:5e:10:00:99 claims 192.168.100.240");
        var told = await Until(admin, ConflictConditions.IsTrue);
        Assert.Equal(["example.com/Other", ConflictConditions.Type], told.Status!.Conditions!.Select(condition => condition.Type).Order());
        Assert.Equal("192.168.100.240", told.Status.LoadBalancer!.Ingress![0].IP);
        var condition = told.Status.Conditions!.Single(condition => condition.Type == ConflictConditions.Type);
        Assert.Equal(("AddressClaimed", "02:00:5e:10:00:99 claims 192.168.100.240"), (condition.Reason, condition.Message));
        Assert.NotNull(condition.LastTransitionTime);

        conditions.Want(new ObjectKey("default", "web"), isTrue: false, "NoConflict", "nobody else claims 192.168.100.240 any more");
        await Until(admin, service => !ConflictConditions.IsTrue(service));
        await life.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private async Task<Service> Until(KubeClient client, Func<Service, bool> holds)
    {
        while (true)
        {
            var service = await client.GetAsync(Kinds.Services, "default", "web", _stop.Token);
            if (holds(service))
                return service;
            await Task.Delay(50, _stop.Token);
        }
    }

    private KubeClient Client(string? token)
    {
        var connection = ClusterConnection.Load(_server.State.WriteKubeconfig(_server.Address));
        return new KubeClient(token is null ? connection : new ClusterConnection { Server = connection.Server, Authorities = connection.Authorities, Token = token });
    }
}
