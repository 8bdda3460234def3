using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.LeaderElection;
using k8s.LeaderElection.ResourceLock;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

/// <summary>Leader election by Leases, with the elector of the published C# client.</summary>
public sealed class LeaderElectionTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private k8s.Kubernetes Client()
    {
        var authority = new X509Certificate2Collection(X509Certificate2.CreateFromPem(server.State.AuthorityPem));
        return new(new KubernetesClientConfiguration
        {
            Host = server.Address,
            SslCaCerts = authority,
            ClientCertificateData = Convert.ToBase64String(Encoding.ASCII.GetBytes(server.State.Admin.CertificatePem)),
            ClientCertificateKeyData = Convert.ToBase64String(Encoding.ASCII.GetBytes(server.State.Admin.KeyPem)),
        });
    }

    [Fact]
    public async Task AnotherTakesOver_WhenTheLeaderDies()
    {
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        using var first = new Candidate(Client(), ns, "first");
        await first.Leads.WaitAsync(Patience, TestContext.Current.CancellationToken);
        using var second = new Candidate(Client(), ns, "second");
        await second.SawLeader.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.False(second.Leads.IsCompleted, "two lead");
        Assert.Equal("first", await HolderAsync(ns));
        await first.DieAsync();
        await second.Leads.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal("second", await HolderAsync(ns));
        Assert.Equal(1, (int)(await server.Client.DoAsync("GET", Path(ns)))["spec"]!["leaseTransitions"]!);
    }

    [Fact]
    public async Task AStaleHolderIsRefused()
    {
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        await server.Client.DoAsync("POST", $"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases", """{"metadata":{"name":"election"},"spec":{"holderIdentity":"a","leaseDurationSeconds":5}}""");
        var seen = await server.Client.DoAsync("GET", Path(ns));
        var renewed = (System.Text.Json.Nodes.JsonObject)seen.DeepClone();
        renewed["spec"]!["renewTime"] = "2026-01-01T00:00:00.000000Z";
        await server.Client.DoAsync("PUT", Path(ns), renewed.ToJsonString());
        seen["spec"]!["holderIdentity"] = "b";
        Assert.Contains("the object has been modified", await server.Client.RefusedAsync(409, "PUT", Path(ns), seen.ToJsonString()));
    }

    private static string Path(string ns) => $"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/election";

    private async Task<string?> HolderAsync(string ns) => (string?)(await server.Client.DoAsync("GET", Path(ns)))["spec"]!["holderIdentity"];

    private sealed class Candidate : IDisposable
    {
        private readonly TaskCompletionSource _leads = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _sawLeader = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _life = new();
        private readonly k8s.Kubernetes _client;
        private readonly LeaderElector _elector;
        private readonly Task _running;

        public Candidate(k8s.Kubernetes client, string ns, string name)
        {
            _client = client;
            _elector = new LeaderElector(new LeaderElectionConfig(new LeaseLock(client, ns, "election", name))
            {
                LeaseDuration = TimeSpan.FromSeconds(2), RenewDeadline = TimeSpan.FromSeconds(1.5), RetryPeriod = TimeSpan.FromMilliseconds(200),
            });
            _elector.OnStartedLeading += () => _leads.TrySetResult();
            _elector.OnNewLeader += _ => _sawLeader.TrySetResult();
            _running = _elector.RunAndTryToHoldLeadershipForeverAsync(_life.Token);
        }

        public Task Leads => _leads.Task;

        public Task SawLeader => _sawLeader.Task;

        /// <summary>Stops renewing and gives nothing back.</summary>
        public async Task DieAsync()
        {
            await _life.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public void Dispose()
        {
            _life.Cancel();
            _elector.Dispose();
            _client.Dispose();
            _life.Dispose();
        }
    }
}
