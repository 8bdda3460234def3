using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Peers;

namespace Portolan.Speaker;

/// <summary>What is wrong with an object of the configuration; its last good version, if there was one, stays in force.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">Its name.</param>
/// <param name="Error">What is wrong.</param>
internal readonly record struct ConfigurationFault(string Kind, string Name, FieldError Error);

/// <summary>
/// Everything the speaker knows, and the plans that follow from it. Nothing is concluded before all kinds were listed and the other speakers
/// were given time to be heard: until then, and whenever this speaker's own liveness protocol does not run, there is no plan to announce anything.
/// </summary>
internal sealed class SpeakerState
{
    private readonly SpeakerOptions _options;
    private readonly AnnouncementIndex _index = new();
    private readonly Dictionary<string, AddressPoolSpec> _specs = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Layer2Advertisement> _advertisements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<FieldError>> _advertisementErrors = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, AnnouncementPolicy> _policies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<FieldError>> _policyErrors = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, NodeFacts> _nodes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _awaited = new(StringComparer.Ordinal) { "services", "endpointslices", "nodes", "ipaddresspools", "l2advertisements", "announcementpolicies" };
    private IReadOnlyList<FieldError> _exclusionErrors = [];
    private PoolSet _pools = PoolSet.Empty;
    private NodeReport _report = NodeReport.Well;
    private bool _contextChanged;

    public SpeakerState(SpeakerOptions options) => (_options, Peers) = (options, PeerView.Nothing(options.NodeName));

    /// <summary>What is known of the other speakers.</summary>
    public PeerView Peers { get; private set; }

    /// <summary>The interfaces that may announce.</summary>
    public InterfaceSelection Interfaces { get; } = InterfaceSelection.Default;

    /// <summary>The kinds not listed yet.</summary>
    public IReadOnlyCollection<string> Awaited => _awaited;

    /// <summary>The plan of every Service.</summary>
    public IReadOnlyDictionary<ObjectKey, AnnouncementPlan> Plans => _index.Plans;

    /// <summary>What the plans were made in.</summary>
    public AnnouncementContext Context => _index.Context;

    /// <summary>What is wrong with the configuration.</summary>
    public IEnumerable<ConfigurationFault> Faults =>
        _pools.Problems.Select(problem => new ConfigurationFault("IPAddressPool", problem.Pool, problem.Error))
            .Concat(_advertisementErrors.SelectMany(entry => entry.Value.Select(error => new ConfigurationFault("L2Advertisement", entry.Key, error))))
            .Concat(_exclusionErrors.Select(error => new ConfigurationFault("ConfigMap", InterfaceExclusions.ConfigMapName, error)))
            .Concat(_policyErrors.SelectMany(entry => entry.Value.Select(error => new ConfigurationFault("AnnouncementPolicy", entry.Key, error))));

    /// <summary>A Service changed.</summary>
    /// <returns>The Services whose plan is another now.</returns>
    public IReadOnlyList<ObjectKey> On(Change<Service> change) =>
        Listed(change, "services") ? []
        : change.New is { } service ? _index.Set(service.ToFacts())
        : _index.RemoveService(change.Key);

    /// <summary>An EndpointSlice changed.</summary>
    /// <returns>The Services whose plan is another now.</returns>
    public IReadOnlyList<ObjectKey> On(Change<EndpointSlice> change) =>
        Listed(change, "endpointslices") ? []
        : change.New?.ToFacts() is { } slice ? _index.Set(slice)
        : _index.RemoveSlice(change.Key);

    /// <summary>A Node changed.</summary>
    /// <returns>Whether the peers may be others now.</returns>
    public bool On(Change<Node> change)
    {
        if (Listed(change, "nodes"))
            return true;
        var before = _nodes.GetValueOrDefault(change.Key.Name);
        if (change.New is { } node)
            _nodes[change.Key.Name] = node.ToFacts();
        else
            _nodes.Remove(change.Key.Name);
        // A kubelet's heartbeat changes the object several times a minute, and nothing that matters here.
        var after = _nodes.GetValueOrDefault(change.Key.Name);
        if (before is not null && after is not null && SameForUs(before, after))
            return false;
        _contextChanged = true;
        return _awaited.Count == 0 || !_awaited.Contains("nodes");
    }

    /// <summary>An IPAddressPool changed.</summary>
    public void On(Change<IPAddressPool> change)
    {
        if (!Listed(change, "ipaddresspools"))
        {
            if (change.New is { } pool)
                _specs[change.Key.Name] = pool.ToSpec();
            else
                _specs.Remove(change.Key.Name);
        }

        // While the first list comes in, each pool alone may look wrong.
        if (!_awaited.Contains("ipaddresspools"))
            (_pools, _contextChanged) = (_pools.Update([.. _specs.Values]), true);
    }

    /// <summary>An L2Advertisement changed.</summary>
    public void On(Change<L2Advertisement> change)
    {
        if (Listed(change, "l2advertisements"))
            return;
        _contextChanged = true;
        _advertisementErrors.Remove(change.Key.Name);
        if (change.New is null)
        {
            _advertisements.Remove(change.Key.Name);
            return;
        }

        var errors = new List<FieldError>();
        if (change.New.ToAdvertisement(errors) is { } advertisement)
            _advertisements[change.Key.Name] = advertisement;
        else
            _advertisementErrors[change.Key.Name] = errors;
    }

    /// <summary>The ConfigMap with the interfaces to exclude changed. A wrong one changes nothing: the last good one stays in force.</summary>
    /// <returns>Whether other interfaces may be meant now.</returns>
    public bool On(Change<ConfigMap> change)
    {
        if (change.Kind is ChangeKind.Synced)
            return false;
        var errors = new List<FieldError>();
        var patterns = change.New is { } map ? InterfaceExclusions.Read(map, errors) : null;
        _exclusionErrors = errors;
        if (errors.Count > 0)
            return false;
        Interfaces.Exclude(patterns);
        return true;
    }

    /// <summary>An AnnouncementPolicy changed.</summary>
    public void On(Change<AnnouncementPolicyObject> change)
    {
        if (Listed(change, "announcementpolicies"))
            return;
        _contextChanged = true;
        _policyErrors.Remove(change.Key.Name);
        if (change.New is null)
        {
            _policies.Remove(change.Key.Name);
            return;
        }

        var errors = new List<FieldError>();
        if (change.New.ToSpec().Parse(errors) is { } policy)
            _policies[change.Key.Name] = policy;
        else
            _policyErrors[change.Key.Name] = errors;
    }

    /// <summary>The AnnouncementPolicies in force, by name.</summary>
    public IReadOnlyCollection<AnnouncementPolicy> Policies => _policies.Values;

    /// <summary>The nodes, for the liveness protocol.</summary>
    public IEnumerable<NodeFacts> Nodes => _nodes.Values;

    /// <summary>What a node's object says against it.</summary>
    public NodeConditions OfObject(string name) => _nodes.TryGetValue(name, out var node) ? NodeReports.OfObject(node, _options.IgnoreCordon) : NodeConditions.None;

    /// <summary>What is known of a node, or null.</summary>
    public NodeFacts? Node(string name) => _nodes.GetValueOrDefault(name);

    /// <summary>The facts of a Service, or null.</summary>
    public ServiceFacts? Find(ObjectKey service) => _index.TryGetService(service, out var facts) ? facts : null;

    /// <summary>The facts of all Services.</summary>
    public IEnumerable<ServiceFacts> Services => _index.Services;

    /// <summary>All EndpointSlices.</summary>
    public IEnumerable<EndpointSliceFacts> Slices => _index.Slices;

    /// <summary>An EndpointSlice, or null.</summary>
    public EndpointSliceFacts? FindSlice(ObjectKey slice) => _index.FindSlice(slice);

    /// <summary>What this speaker says of its own node.</summary>
    public void SetOwnReport(NodeReport report) => (_report, _contextChanged) = (report, true);

    /// <summary>Something else is known of the other speakers.</summary>
    public void On(PeerView peers) => (Peers, _contextChanged) = (peers, true);

    /// <summary>Whether enough is known to announce.</summary>
    public bool IsReady => _awaited.Count == 0 && Peers.IsSettled;

    /// <summary>Makes the plans anew if the context is another.</summary>
    /// <returns>The Services whose plan is another now.</returns>
    public IReadOnlyList<ObjectKey> Settle()
    {
        if (!_contextChanged)
            return _index.Settle();
        _contextChanged = false;
        if (!IsReady)
            return _index.Context == AnnouncementContext.Empty ? [] : _index.Set(AnnouncementContext.Empty);
        return _index.Set(new AnnouncementContext
        {
            Pools = _pools,
            Advertisements = [.. _advertisements.Values],
            Policies = [.. _policies.Values],
            Nodes = [.. _nodes.Values],
            LivingSpeakers = Peers.Living,
            Reports = NodeReports.Merge(Reports(), _nodes.Values, _options.IgnoreCordon),
            IgnoreExcludeLabel = _options.IgnoreExcludeLabel,
            LoadBalancerClass = _options.LoadBalancerClass,
        });
    }

    // Of its own node this speaker knows more than it has told.
    private Dictionary<string, NodeReport> Reports() =>
        new(Peers.Reports, StringComparer.Ordinal) { [_options.NodeName] = _report };

    private bool Listed<T>(Change<T> change, string kind)
        where T : class
    {
        if (change.Kind is not ChangeKind.Synced)
            return false;
        _contextChanged |= _awaited.Remove(kind);
        return true;
    }

    private static bool SameForUs(NodeFacts a, NodeFacts b) =>
        a.Ready == b.Ready && a.NetworkUnavailable == b.NetworkUnavailable && a.InternalIPs.SequenceEqual(b.InternalIPs)
        && NodeReports.OfObject(a, ignoreCordon: false) == NodeReports.OfObject(b, ignoreCordon: false)
        && a.Labels.Count == b.Labels.Count && a.Labels.All(label => b.Labels.TryGetValue(label.Key, out var value) && value == label.Value);
}
