using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.LeaderElection;
using k8s.LeaderElection.ResourceLock;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Leases;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

/// <summary>Our elector against a real API server, and beside the elector of the published C# client.</summary>
public sealed class LeaseElectorTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // So long that nobody in these tests takes a lease because it ran out.
    private static readonly LeaseTiming Long = new(TimeSpan.FromSeconds(600), TimeSpan.FromSeconds(500), TimeSpan.FromMilliseconds(200));
    private static readonly LeaseTiming Short = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1.5), TimeSpan.FromMilliseconds(200));

    [Fact]
    public async Task AFollowerTakesOver_AsSoonAsTheLeaderGivesTheLeaseBack()
    {
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        await using var first = new Replica(server, ns, "first", Long);
        await first.Leads.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await using var second = new Replica(server, ns, "second", Long);
        await second.Elector.FirstVerdict.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.False(second.Elector.IsLeading);
        await Assert.ThrowsAsync<NotLeadingException>(() => second.WriteAsync());
        Assert.Equal("written", await first.WriteAsync());

        await first.StopAsync();
        await second.Leads.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<NotLeadingException>(() => first.WriteAsync());
        var lease = await second.Client.GetAsync(Kinds.Leases, ns, "election", TestContext.Current.CancellationToken);
        Assert.Equal(("second", 600), (lease.Spec!.HolderIdentity, lease.Spec.LeaseDurationSeconds));
    }

    [Fact]
    public async Task GivesTheLeaseBackOnlyAfterTheLastWriteWasAnswered()
    {
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        await using var leader = new Replica(server, ns, "leader", Long);
        await leader.Leads.WaitAsync(Patience, TestContext.Current.CancellationToken);
        var answer = new TaskCompletionSource<string>();
        var write = leader.Fence.WriteAsync(_ => answer.Task);
        var stopped = leader.StopAsync();
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal("leader", await HolderAsync(leader, ns));
        answer.SetResult("late");
        Assert.Equal("late", await write);
        await stopped;
        Assert.Equal("", await HolderAsync(leader, ns));
    }

    [Fact]
    public async Task StepsDown_WhenSomebodyElseIsWrittenIntoTheLease_AndComesBackAfterThem()
    {
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        await using var replica = new Replica(server, ns, "us", Short);
        await replica.Leads.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await server.Client.DoAsync("PATCH", $"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/election", """{"spec":{"holderIdentity":"a human","leaseDurationSeconds":1}}""", "application/merge-patch+json");
        await replica.SteppedDown.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await replica.LeadsAgain.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal("written", await replica.WriteAsync());
    }

    [Fact]
    public async Task TakesTurnsWithThePublishedClientsElector()
    {
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        using var foreign = Foreign();
        using var life = new CancellationTokenSource();
        using var elector = new LeaderElector(new LeaderElectionConfig(new LeaseLock(foreign, ns, "election", "foreign"))
        {
            LeaseDuration = Short.Duration, RenewDeadline = Short.RenewDeadline, RetryPeriod = Short.RetryPeriod,
        });
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        elector.OnStartedLeading += () => began.TrySetResult();
        var running = elector.RunAndTryToHoldLeadershipForeverAsync(life.Token);
        await began.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await using var ours = new Replica(server, ns, "ours", Short);
        await ours.Elector.FirstVerdict.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.False(ours.Elector.IsLeading);

        // It dies, and gives nothing back.
        await life.CancelAsync();
        await Task.WhenAny(running);
        await ours.Leads.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal("ours", await HolderAsync(ours, ns));
    }

    private static async Task<string?> HolderAsync(Replica replica, string ns) =>
        (await replica.Client.GetAsync(Kinds.Leases, ns, "election", TestContext.Current.CancellationToken)).Spec!.HolderIdentity;

    private k8s.Kubernetes Foreign() => new(new KubernetesClientConfiguration
    {
        Host = server.Address,
        SslCaCerts = new X509Certificate2Collection(X509Certificate2.CreateFromPem(server.State.AuthorityPem)),
        ClientCertificateData = Convert.ToBase64String(Encoding.ASCII.GetBytes(server.State.Admin.CertificatePem)),
        ClientCertificateKeyData = Convert.ToBase64String(Encoding.ASCII.GetBytes(server.State.Admin.KeyPem)),
    });

    private sealed class Replica : IAsyncDisposable
    {
        private readonly CancellationTokenSource _life = new();
        private readonly TaskCompletionSource _leads = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _again = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _steppedDown = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _running;

        public Replica(RunningServer server, string ns, string name, LeaseTiming timing)
        {
            Client = new KubeClient(new ClusterConnection
            {
                Server = new Uri(server.Address),
                Authorities = new X509Certificate2Collection(X509Certificate2.CreateFromPem(server.State.AuthorityPem)),
                ClientCertificate = new ClientCertificate(server.State.Admin.CertificatePem, null, server.State.Admin.KeyPem, null),
            });
            Elector = new LeaseElector(Client, ns, "election", name, timing, Fence, TimeProvider.System, NullLogger.Instance);
            _running = Elector.RunAsync(
                _ =>
                {
                    if (!_leads.TrySetResult())
                        _again.TrySetResult();
                    return Task.CompletedTask;
                },
                () =>
                {
                    _steppedDown.TrySetResult();
                    return Task.CompletedTask;
                },
                _life.Token);
        }

        public KubeClient Client { get; }

        public WriteFence Fence { get; } = new(TimeProvider.System);

        public LeaseElector Elector { get; }

        public Task Leads => _leads.Task;

        public Task LeadsAgain => _again.Task;

        public Task SteppedDown => _steppedDown.Task;

        public Task<string> WriteAsync() => Fence.WriteAsync(_ => Task.FromResult("written"));

        public async Task StopAsync()
        {
            await _life.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            Client.Dispose();
            _life.Dispose();
        }
    }
}
