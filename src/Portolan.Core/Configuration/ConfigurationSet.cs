using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>
/// The configuration in force: of every object the version that is written, or, where that is wrong, the last good one. A fold: each update
/// judges all objects as they are written now, and falls back on what was in force before. Kinds are judged in the order in which they
/// depend on each other, pools first: nothing that is wrong elsewhere keeps a pool from giving out addresses.
/// </summary>
/// <remarks>
/// What never depends on the order of the changes: when the objects as written are right together, exactly they are in force; an object is not
/// in force as written if and only if a problem says so; an object that was ever in force is in force in some version until it is deleted;
/// and an update that changes nothing changes nothing.
/// </remarks>
public sealed class ConfigurationSet
{
    /// <summary>No configuration.</summary>
    public static readonly ConfigurationSet Empty = new();

    private ConfigurationObjects _objects = ConfigurationObjects.Empty;
    private Dictionary<string, Layer2Advertisement> _layer2 = new(StringComparer.Ordinal);
    private Dictionary<string, AnnouncementPolicy> _policies = new(StringComparer.Ordinal);
    private Dictionary<string, BgpAdvertisement> _advertisements = new(StringComparer.Ordinal);
    private Dictionary<string, BgpPeer> _peers = new(StringComparer.Ordinal);
    private Dictionary<string, BgpPolicy> _bgpPolicies = new(StringComparer.Ordinal);
    private Dictionary<string, BfdProfile> _profiles = new(StringComparer.Ordinal);
    private Dictionary<string, CommunityAliases> _communities = new(StringComparer.Ordinal);

    private ConfigurationSet()
    {
    }

    /// <summary>The pools.</summary>
    public PoolSet Pools { get; private init; } = PoolSet.Empty;

    /// <summary>The L2Advertisements by name.</summary>
    public IReadOnlyDictionary<string, Layer2Advertisement> Layer2Advertisements => _layer2;

    /// <summary>The AnnouncementPolicies by name.</summary>
    public IReadOnlyDictionary<string, AnnouncementPolicy> AnnouncementPolicies => _policies;

    /// <summary>The BGPAdvertisements by name. One may not suit a pool that was changed after it: see <see cref="BgpAdvertisement.Fits"/>.</summary>
    public IReadOnlyDictionary<string, BgpAdvertisement> BgpAdvertisements => _advertisements;

    /// <summary>The BGPPeers by name, each with the profile it uses, also when that profile has been deleted since.</summary>
    public IReadOnlyDictionary<string, BgpPeer> BgpPeers => _peers;

    /// <summary>The BGPPolicies by name. One may not suit a peer that was changed after it: see <see cref="BgpPolicy.TtlSecurityHops"/>.</summary>
    public IReadOnlyDictionary<string, BgpPolicy> BgpPolicies => _bgpPolicies;

    /// <summary>The BFDProfiles by name.</summary>
    public IReadOnlyDictionary<string, BfdProfile> BfdProfiles => _profiles;

    /// <summary>The Communities by name.</summary>
    public IReadOnlyDictionary<string, CommunityAliases> Communities => _communities;

    /// <summary>What is wrong with the objects as written, by kind and name.</summary>
    public IReadOnlyList<ObjectProblem> Problems { get; private init; } = [];

    /// <summary>The fields that are taken and do less than they say, by kind and name. Nothing is wrong with these objects.</summary>
    public IReadOnlyList<ObjectProblem> Notices { get; private init; } = [];

    /// <summary>Some object is not in force as it is written.</summary>
    public bool IsStale { get; private init; }

    /// <summary>Judges the objects as they are written now.</summary>
    public ConfigurationSet Update(ConfigurationObjects objects)
    {
        var problems = new List<ObjectProblem>();
        var pools = SamePools(objects) ? Pools : Pools.Update([.. objects.All<AddressPoolSpec>()]);
        foreach (var (name, error, previousInForce) in pools.Problems)
            problems.Add(new ObjectProblem(ConfigurationKind.IPAddressPool, name, error, previousInForce ? Standing.PreviousInForce : Standing.NotInForce));

        var nodes = new NodeMeeting(objects.Nodes);
        var layer2 = Settle(objects.All<Layer2Advertisement>(), _layer2, (spec, errors) => spec.Parse(errors), (_, _) => null, (_, _) => true, problems);
        var policies = Settle(objects.All<AnnouncementPolicy>(), _policies, (spec, errors) => spec.Parse(errors), (_, _) => null, (_, _) => true, problems);
        var profiles = Settle(objects.All<BfdProfileSpec>(), _profiles, (spec, errors) => spec.Parse(errors), (_, _) => null, (_, _) => true, problems);
        var communities = Settle(objects.All<CommunitySpec>(), _communities, (spec, errors) => spec.Parse(errors), (one, other) => one.Clash(other), (one, other) => one.SamePlace(other), problems);
        var peers = Settle(objects.All<BgpPeerSpec>(), _peers, (spec, errors) => Peer(spec, objects, profiles, errors), (one, other) => one.Clash(other, nodes), (one, other) => one.SamePlace(other), problems);
        var bgpPolicies = Settle(objects.All<BgpPolicySpec>(), _bgpPolicies, (spec, errors) => Policy(spec, peers.Values, nodes, errors), (one, other) => one.Clash(other, nodes), (one, other) => one.SamePlace(other), problems);
        var aliases = Aliases(communities.Values);
        var echoing = peers.Values.Where(peer => peer.BfdProfile is { EchoMode: true }).ToList();
        var advertisements = Settle(
            objects.All<BgpAdvertisementSpec>(),
            _advertisements,
            (spec, errors) => Advertisement(spec, aliases, pools, echoing, errors),
            (one, other) => one.Clash(other, pools.Pools, nodes),
            (one, other) => one.SamePlace(other),
            problems);
        var stale = problems.Count > 0;
        foreach (var spec in objects.All<ConfigurationSpec>())
            foreach (var missing in References.Missing(spec, objects))
                problems.Add(new ObjectProblem(spec.Kind, spec.Name, missing, StandingOf(spec, problems)));
        foreach (var policy in objects.All<AnnouncementPolicy>().Where(policy => policies.GetValueOrDefault(policy.Name) == policy))
            foreach (var notice in PolicyNotices.Of(policy, policies.Values, pools.Pools, objects.Nodes?.Count))
                problems.Add(new ObjectProblem(policy.Kind, policy.Name, notice, Standing.InForce));
        return new ConfigurationSet
        {
            _objects = objects,
            Pools = pools,
            _layer2 = layer2,
            _policies = policies,
            _advertisements = advertisements,
            _peers = peers,
            _bgpPolicies = bgpPolicies,
            _profiles = profiles,
            _communities = communities,
            Problems = [.. problems.OrderBy(problem => problem.Kind).ThenBy(problem => problem.Name, StringComparer.Ordinal)],
            Notices = [.. Notable(objects).OrderBy(notice => notice.Kind).ThenBy(notice => notice.Name, StringComparer.Ordinal)],
            IsStale = stale,
        };
    }

    /// <summary>What every alias stands for.</summary>
    internal static Dictionary<string, BgpCommunity> Aliases(IEnumerable<CommunityAliases> communities)
    {
        var aliases = new Dictionary<string, BgpCommunity>(StringComparer.Ordinal);
        foreach (var community in communities)
            foreach (var (alias, value) in community.Values)
                aliases.TryAdd(alias, value);
        return aliases;
    }

    /// <summary>Why an advertisement and a peer with echoMode do not go together, or null.</summary>
    internal static FieldError? EchoClash(BgpAdvertisement advertisement, IEnumerable<AddressPool> pools, IEnumerable<BgpPeer> echoing)
    {
        foreach (var peer in echoing)
            foreach (var pool in pools)
                if (advertisement.Reaches(peer) && advertisement.Covers(pool) && pool.Ranges.Any(range => range.Family is IpFamily.IPv6))
                    return new FieldError("spec.peers", peer.Name, $"its BFDProfile {peer.BfdProfile!.Name} has echoMode, which is for IPv4 only, and IPAddressPool {pool.Name} has IPv6 addresses");
        return null;
    }

    private static IEnumerable<ObjectProblem> Notable(ConfigurationObjects objects) =>
        objects.All<ConfigurationSpec>().SelectMany(FieldNotices.Of, (spec, notice) => new ObjectProblem(spec.Kind, spec.Name, notice, Standing.InForce));

    private static BgpPeer? Peer(BgpPeerSpec spec, ConfigurationObjects objects, Dictionary<string, BfdProfile> profiles, List<FieldError> errors)
    {
        var peer = spec.Parse(errors);
        if (spec.BfdProfile.Length == 0)
            return peer;
        if (References.MissingProfile(spec, objects) is { } missing)
            errors.Add(missing);
        else if (!profiles.ContainsKey(spec.BfdProfile))
            errors.Add(new FieldError("spec.bfdProfile", spec.BfdProfile, "this BFDProfile is wrong and not in force"));
        return peer is not null && profiles.TryGetValue(spec.BfdProfile, out var profile) ? peer with { BfdProfile = profile } : null;
    }

    private static BgpPolicy? Policy(BgpPolicySpec spec, IEnumerable<BgpPeer> peers, NodeMeeting nodes, List<FieldError> errors)
    {
        if (spec.Parse(errors) is not { } policy)
            return null;
        if (policy.Misfit(peers, nodes) is { } misfit)
            errors.Add(misfit);
        return errors.Count == 0 ? policy : null;
    }

    private static BgpAdvertisement? Advertisement(BgpAdvertisementSpec spec, Dictionary<string, BgpCommunity> aliases, PoolSet pools, List<BgpPeer> echoing, List<FieldError> errors)
    {
        if (spec.Parse(aliases, errors, errors) is not { } advertisement)
            return null;
        foreach (var pool in pools.Pools)
            if (advertisement.Covers(pool) && advertisement.Misfit(pool) is { } misfit)
                errors.Add(misfit);
        if (EchoClash(advertisement, pools.Pools, echoing) is { } echo)
            errors.Add(echo);
        return errors.Count == 0 ? advertisement : null;
    }

    private static Dictionary<string, T> Settle<TSpec, T>(
        IEnumerable<TSpec> specs, Dictionary<string, T> previous, Func<TSpec, List<FieldError>, T?> read, Func<T, T, FieldError?> clash, Func<T, T, bool> samePlace, List<ObjectProblem> problems)
        where TSpec : ConfigurationSpec
        where T : class
    {
        var candidates = new List<Candidate<T>>();
        var kind = default(ConfigurationKind);
        foreach (var spec in specs)
        {
            var errors = new List<FieldError>();
            kind = spec.Kind;
            candidates.Add(new Candidate<T>(spec.Name, read(spec, errors), errors));
        }

        var inForce = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var settled in LastGood.Settle(candidates, previous, clash, samePlace))
        {
            if (settled.InForce is { } version)
                inForce[settled.Name] = version;
            problems.AddRange(settled.Errors.Select(error => new ObjectProblem(kind, settled.Name, error, settled.Standing)));
        }

        return inForce;
    }

    private static Standing StandingOf(ConfigurationSpec spec, List<ObjectProblem> problems)
    {
        foreach (var problem in problems)
            if (problem.Kind == spec.Kind && problem.Name == spec.Name)
                return problem.Standing;
        return Standing.InForce;
    }

    private bool SamePools(ConfigurationObjects objects) =>
        _objects.All<AddressPoolSpec>().SequenceEqual(objects.All<AddressPoolSpec>(), ReferenceEqualityComparer.Instance);
}
