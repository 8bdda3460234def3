using Portolan.Core.Addresses;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Controller;

/// <summary>What follows from one change of the API's objects.</summary>
/// <param name="Decisions">Services to bring in line, with what to tell them.</param>
/// <param name="Configuration">What is wrong with the configuration now, when that may have changed; otherwise null.</param>
internal readonly record struct Consequences(IReadOnlyList<Decision> Decisions, IReadOnlyList<ConfigurationProblem>? Configuration)
{
    public static readonly Consequences None = new([], null);
}

/// <summary>
/// The controller without the world around it: changes of API objects in, decisions out. Nothing is decided before Services, pools and
/// namespaces have all been listed once, because whoever holds an address must be heard before one is given away; and nothing by a replica
/// that does not lead. Such a one hears everything all the same, and judges the configuration.
/// </summary>
/// <param name="loadBalancerClass">Serve Services of exactly this class; null: those without one.</param>
/// <param name="leads">Whether it leads from the start.</param>
internal sealed partial class ControllerState(string? loadBalancerClass, bool leads = true)
{
    private const int Sources = 3;
    private readonly Dictionary<string, IPAddressPool> _pools = new(StringComparer.Ordinal);
    private int _synced;
    private bool _everHadPools;

    public Allocator Allocator { get; private set; } = new(loadBalancerClass);

    /// <summary>Everything has been listed once.</summary>
    public bool IsSynced => _synced == Sources && _alsoAwaited.Count == 0;

    /// <summary>This replica is the one that decides.</summary>
    public bool IsLeading { get; private set; } = leads;

    /// <summary>It decides: the first full pass is over.</summary>
    public bool IsStarted => IsSynced && IsLeading;

    /// <summary>The configuration: what is written, and what is in force.</summary>
    public LoadedConfiguration Configuration { get; } = new();

    /// <summary>
    /// A pool that is missing may come back: nobody loses an address for want of a pool until <see cref="SettlePools"/>. So it is after the start,
    /// and after a pool was deleted, because renaming a pool, reinstalling the CRDs and restoring a backup all begin with that.
    /// </summary>
    public bool AwaitsPools { get; private set; } = true;

    /// <summary>Counts how often pools were put in force.</summary>
    public int PoolUpdates { get; private set; }

    /// <summary>The IPAddressPool objects as they were last seen.</summary>
    public IReadOnlyDictionary<string, IPAddressPool> Pools => _pools;

    /// <summary>From now on this replica decides. What the leader before it wrote must have been heard.</summary>
    public Consequences Lead()
    {
        IsLeading = true;
        if (!IsSynced)
            return Consequences.None;
        AwaitsPools = true;
        UpdatePools();
        return Start();
    }

    /// <summary>
    /// From now on another decides: what was decided here and not written is forgotten, what others write is heard. The process goes on, because
    /// its caches are worth keeping and it has more to do than to decide (metrics, admission): forgetting is the same as a restart, as the
    /// allocator is made anew from nothing but what the API server said.
    /// </summary>
    public void StepDown()
    {
        IsLeading = false;
        Allocator = Allocator.Afresh();
        HearReservations();
    }

    public Consequences On(Change<Service> change) => change switch
    {
        { Kind: ChangeKind.Synced } => Synced(),
        { New: { } service } => new Consequences(Allocator.SetService(service.ToFacts()), null),
        _ => new Consequences(Allocator.RemoveService(change.Key), null),
    };

    public Consequences On(Change<Namespace> change) => change switch
    {
        { Kind: ChangeKind.Synced } => Synced(),
        { New: { } found } => SameLabels(change.Old, found) ? Consequences.None : new Consequences(Allocator.SetNamespace(change.Key.Name, found.Metadata.Labels ?? []), null),
        _ => new Consequences(Allocator.SetNamespace(change.Key.Name, null), null),
    };

    public Consequences On(Change<IPAddressPool> change)
    {
        var matters = Configuration.Set(Kinds.IPAddressPools, change, found => found.ToSpec());
        if (change.Kind is ChangeKind.Synced)
            return Synced();
        if (change.New is { } pool)
            _pools[change.Key.Name] = pool;
        else if (_pools.Remove(change.Key.Name))
            AwaitsPools = true;
        _everHadPools |= _pools.Count > 0;

        // Our own counters in the pool's status come back as changes of the pool: they are nothing new.
        return matters && IsSynced ? new Consequences(UpdatePools(), Problems()) : Consequences.None;
    }

    public Consequences On(Change<L2Advertisement> change) => On(Kinds.L2Advertisements, change, found => found.ToSpec());

    /// <summary>An object of the configuration other than a pool changed.</summary>
    public Consequences On<T>(ResourceType<T> type, Change<T> change, Func<T, ConfigurationSpec> read)
        where T : class, IKubeObject => Judge(Configuration.Set(type, change, read));

    public Consequences On(Change<NodeLabels> change) => Judge(Configuration.Set(change));

    /// <summary>The Secrets with passwords were looked up.</summary>
    public Consequences OnSecrets(IReadOnlyDictionary<string, SecretFacts?> secrets) => Judge(Configuration.SetSecrets(secrets));

    /// <summary>The API does not let us read a kind.</summary>
    public Consequences CannotRead(string plural, string why) => Judge(Configuration.CannotRead(plural, why));

    // What is wrong beside the pools moves no address.
    private Consequences Judge(bool matters)
    {
        if (!matters || !IsSynced)
            return Consequences.None;
        Configuration.Update();
        return new Consequences([], Problems());
    }

    /// <summary>
    /// Nothing has happened to the pools for a while, and the API server, asked again, has these: what is missing now is meant to be. Only a
    /// controller that has never seen a pool does not believe that there are none: it cannot tell that from a cluster that is being restored.
    /// </summary>
    public Consequences SettlePools(IReadOnlyCollection<string> listed)
    {
        if (!IsStarted || !AwaitsPools || !_everHadPools || !_pools.Keys.ToHashSet(StringComparer.Ordinal).SetEquals(listed))
            return Consequences.None;
        AwaitsPools = false;
        return new Consequences(UpdatePools(), null);
    }

    private Consequences Synced()
    {
        _synced++;
        return Heard();
    }

    private Consequences Heard()
    {
        if (!IsSynced)
            return Consequences.None;
        UpdatePools();
        return Start();
    }

    private Consequences Start() => new(IsLeading ? Allocator.Start() : [], Problems());

    private IReadOnlyList<Decision> UpdatePools()
    {
        Configuration.Update();
        PoolUpdates++;
        var pools = Configuration.InForce.Pools;
        return Allocator.SetPools(AwaitsPools ? pools.AwaitingMore() : pools);
    }

    private static bool SameLabels(IKubeObject? old, IKubeObject found)
    {
        if (old is null)
            return false;
        var (a, b) = (old.Metadata.Labels ?? [], found.Metadata.Labels ?? []);
        return a.Count == b.Count && a.All(label => b.TryGetValue(label.Key, out var value) && value == label.Value);
    }
}
