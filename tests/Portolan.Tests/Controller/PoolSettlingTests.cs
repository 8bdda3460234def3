using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Tests.Controller;

/// <summary>Pools that are not there: which of them are gone, and which only not there yet. Nobody loses an address over the latter.</summary>
public sealed class PoolSettlingTests
{
    private readonly ControllerState _state = new(null);

    [Contract("§2 kept: restart")]
    [Fact]
    public void NoPoolAtStart_CostsNobodyHisAddress_HoweverLongItLasts()
    {
        Add(ControllerStateTests.Service("holds", "10.0.0.3"));
        Add(ControllerStateTests.Service("waits"));
        var decisions = Start().ToDictionary(decision => decision.Service.Name);
        Assert.Equal((Outcome.Assigned, ""), (decisions["holds"].Outcome, decisions["holds"].Pool));
        Assert.Null(ServiceStatusPatch.Of(Annotated("holds", "10.0.0.3"), decisions["holds"]));
        Assert.Equal((Outcome.Waiting, "there is no IPAddressPool"), (decisions["waits"].Outcome, decisions["waits"].Reason));
        Assert.Equal(Consequences.None, _state.SettlePools([]));
        Assert.True(_state.AwaitsPools);

        // The pools come back one by one.
        Add(ControllerStateTests.Pool("other", "10.1.0.0/30"));
        Assert.Equal(("10.0.0.3", "10.1.0.0"), (Address("holds"), Address("waits")));
        Add(ControllerStateTests.Pool("lab", "10.0.0.0/30"));
        Assert.Equal("lab", _state.Allocator.Current(new ObjectKey("default", "holds"))!.Pool);
        _state.SettlePools(["lab", "other"]);
        Assert.False(_state.AwaitsPools);
        Assert.Equal(("10.0.0.3", "10.1.0.0"), (Address("holds"), Address("waits")));
    }

    [Contract("§2 released: outside every pool")]
    [Fact]
    public void PoolThatWentWhileNobodyWatched_CostsTheAddress_OnceThePoolsHaveSettled()
    {
        Add(ControllerStateTests.Service("holds", "10.0.0.3"));
        Add(ControllerStateTests.Pool("other", "10.1.0.0/30"));
        Start();
        Assert.Equal("10.0.0.3", Address("holds"));
        Assert.Single(_state.SettlePools(["other"]).Decisions);
        Assert.Equal("10.1.0.0", Address("holds"));
    }

    [Contract("§2 kept: pool renamed or split")]
    [Fact]
    public void PoolThatIsDeletedAndMadeAgainUnderAnotherName_CostsNobodyHisAddress()
    {
        Add(ControllerStateTests.Pool("lab", "10.0.0.0/30"));
        Add(ControllerStateTests.Pool("other", "10.1.0.0/30"));
        Start();
        _state.SettlePools(["lab", "other"]);
        Add(ControllerStateTests.Service("web"));
        Assert.Equal("10.0.0.0", Address("web"));
        Remove(ControllerStateTests.Pool("lab", "10.0.0.0/30"));
        Assert.Equal("10.0.0.0", Address("web"));

        // Whoever comes meanwhile is not given it.
        Add(ControllerStateTests.Service("next"));
        Assert.Equal("10.1.0.0", Address("next"));
        Add(ControllerStateTests.Pool("renamed", "10.0.0.0/30"));
        _state.SettlePools(["renamed", "other"]);
        Assert.Equal(("10.0.0.0", "renamed"), (Address("web"), _state.Allocator.Current(new ObjectKey("default", "web"))!.Pool));
    }

    [Contract("§2 released: no pools")]
    [Fact]
    public void LastPoolDeleted_CostsTheAddress_OnceTheServerHasSaidSo()
    {
        Add(ControllerStateTests.Pool("lab", "10.0.0.0/30"));
        Start();
        _state.SettlePools(["lab"]);
        Add(ControllerStateTests.Service("web"));
        Remove(ControllerStateTests.Pool("lab", "10.0.0.0/30"));
        Assert.Equal("10.0.0.0", Address("web"));

        // What the server says and what the watch has brought must agree.
        Assert.Equal(Consequences.None, _state.SettlePools(["lab"]));
        Assert.Equal("10.0.0.0", Address("web"));
        Assert.Equal(Outcome.Waiting, Assert.Single(_state.SettlePools([]).Decisions).Outcome);
    }

    [Fact]
    public void ShrunkPoolIsNoMissingOne()
    {
        Add(ControllerStateTests.Pool("lab", "10.0.0.0/30"));
        Start();
        _state.SettlePools(["lab"]);
        Add(ControllerStateTests.Service("web"));
        _state.On(new Change<IPAddressPool>(
            ChangeKind.Modified, new ObjectKey("metallb-system", "lab"), ControllerStateTests.Pool("lab", "10.0.0.0/30"), ControllerStateTests.Pool("lab", "10.0.0.1-10.0.0.3", generation: 2)));
        Assert.Equal("10.0.0.1", Address("web"));
    }

    [Contract("§3.6 pool change")]
    [Fact]
    public async Task ServerIsAskedWhenThePoolsHaveComeToRest_AndAgainUntilItAnswers()
    {
        var time = new FakeTimeProvider();
        var answers = new Queue<(int, string)>([(404, """{"kind":"Status","code":404,"reason":"NotFound"}"""), (503, "{}"), (200, """{"items":[{"metadata":{"name":"lab"}}]}""")]);
        await using var api = await FakeApi.StartAsync(_ => answers.Dequeue());
        var settled = new TaskCompletionSource<IReadOnlyCollection<string>>();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var settling = new PoolSettling(api.Client, "metallb-system", (names, _) => { settled.SetResult(names); return ValueTask.CompletedTask; }, time, NullLogger.Instance);
        var run = settling.RunAsync(stop.Token);
        settling.Disturb();
        time.Advance(PoolSettling.Rest - TimeSpan.FromMilliseconds(1));
        settling.Disturb();
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Empty(api.Requests);
        while (!settled.Task.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, stop.Token);
        }

        Assert.Equal(["lab"], await settled.Task);
        Assert.Equal(3, api.Requests.Count);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private IReadOnlyList<Decision> Start()
    {
        _state.On(new Change<Service>(ChangeKind.Synced, default, null, null));
        _state.On(new Change<Namespace>(ChangeKind.Synced, default, null, null));
        return _state.On(new Change<IPAddressPool>(ChangeKind.Synced, default, null, null)).Decisions;
    }

    private string Address(string name) => Assert.Single(_state.Allocator.Current(new ObjectKey("default", name))!.Addresses).ToString();

    private void Add(Service service) => _state.On(new Change<Service>(ChangeKind.Added, new ObjectKey("default", service.Metadata.Name!), null, service));

    private void Add(IPAddressPool pool) => _state.On(new Change<IPAddressPool>(ChangeKind.Added, new ObjectKey("metallb-system", pool.Metadata.Name!), null, pool));

    private void Remove(IPAddressPool pool) => _state.On(new Change<IPAddressPool>(ChangeKind.Deleted, new ObjectKey("metallb-system", pool.Metadata.Name!), pool, null));

    private static Service Annotated(string name, string address)
    {
        var service = ControllerStateTests.Service(name, address);
        service.Metadata.Annotations = new Dictionary<string, string> { ["metallb.io/ip-allocated-from-pool"] = "lab" };
        return service;
    }
}
