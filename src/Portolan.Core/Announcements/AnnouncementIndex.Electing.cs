using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

// How the index elects: nodes are numbers, what many Services have in common is worked out once, and where nothing changes nothing is allocated.
// A Ballot counts the same plainly.
public sealed partial class AnnouncementIndex
{
    private readonly NodeTable _nodes = new();
    private readonly Dictionary<(IReadOnlyList<Layer2Advertisement> Advertisements, AnnouncementPolicy Policy), Electorate> _electorates = new(new SameElectorate());
    private readonly Dictionary<ulong, List<int>> _unprogrammed = [];
    private readonly HashSet<ulong> _formerlyUnprogrammed = [];
    private HashSet<IpAddress> _claimed = [];
    private bool _hasMajority = true;
    private bool _isUnplaced;
    private bool[] _scratch = [];

    private static bool SameConfiguration(AnnouncementContext left, AnnouncementContext right) =>
        left.Pools == right.Pools && left.IgnoreExcludeLabel == right.IgnoreExcludeLabel && left.LoadBalancerClass == right.LoadBalancerClass
        && left.Advertisements.SequenceEqual(right.Advertisements) && left.Policies.SequenceEqual(right.Policies);

    // Whether nodes came or went: sets of nodes are then of another size.
    private bool UpdateNodes()
    {
        List<int> added = [], removed = [];
        _nodes.Update(Context.Nodes, added, removed);
        if (added.Count + removed.Count == 0)
            return false;
        foreach (var sharers in _sharers.Values)
        {
            foreach (var node in removed)
                sharers.Order.Removed(node);
            foreach (var node in added)
                sharers.Order.Added(node);
        }

        _scratch = new bool[_nodes.Bound];
        return true;
    }

    // Whether the majority was lost or won, or somebody else claims other addresses.
    private bool UpdateVerdicts()
    {
        var (hadMajority, before) = (_hasMajority, _claimed);
        _hasMajority = Majority.IsHeld(Context.Nodes, Context.LivingSpeakers);
        _claimed = AnnouncementPlan.ClaimedByOthers(Context);
        return hadMajority != _hasMajority || !before.SetEquals(_claimed);
    }

    // Whether any single Service is, or was until now, not programmed somewhere.
    private bool UpdateUnprogrammed()
    {
        _formerlyUnprogrammed.UnionWith(_unprogrammed.Keys);
        _unprogrammed.Clear();
        foreach (var (name, report) in Context.Reports)
        {
            if (report.Unprogrammed.Count == 0 || _nodes.Find(name) is not (>= 0 and var node))
                continue;
            foreach (var service in report.Unprogrammed)
            {
                if (!_unprogrammed.TryGetValue(service, out var nodes))
                    _unprogrammed[service] = nodes = [];
                nodes.Add(node);
            }
        }

        return _formerlyUnprogrammed.Count + _unprogrammed.Count > 0;
    }

    private bool IsSuspect(AnnouncedService service)
    {
        if (service.Sharers is null)
            return false;
        foreach (var sharer in service.Sharers.Services)
            if (_unprogrammed.ContainsKey(sharer.Digest) || _formerlyUnprogrammed.Contains(sharer.Digest))
                return true;
        return false;
    }

    // What depends on the Service, its endpoints and the configuration.
    private void Classify(AnnouncedService service)
    {
        var slices = SlicesOf(service.Facts.Key);
        service.Announceable = Announceable.Of(service.Facts, Eligibility.HasUsable(slices), Context);
        if (!service.Addresses.SequenceEqual(service.Facts.Ingress.Select(ingress => ingress.Address)))
            service.Addresses = [.. service.Facts.Ingress.Select(ingress => ingress.Address)];
        service.Local = service.Facts.ExternalTrafficPolicy is not TrafficPolicy.Local ? null
            : [.. slices.SelectMany(slice => slice.Endpoints).Where(Eligibility.IsUsable).Select(endpoint => endpoint.NodeName)];
        service.Electorate = null;
        if (service.Announceable is not (WithdrawalReason.None, var advertisements, var policy))
            return;
        if (!_electorates.TryGetValue((advertisements, policy), out var electorate))
        {
            _electorates[(advertisements, policy)] = electorate = new Electorate(advertisements, policy, _nodes);
            electorate.Update(Context, haveNodesChanged: true);
        }

        service.Electorate = electorate;
    }

    // Whether the plan is another now.
    private bool Elect(AnnouncedService service)
    {
        var before = service.Now;
        service.Now = null;
        var reason = service.Announceable.Reason;
        if (service.Electorate is not { } electorate)
            return Withdraw(service, reason, before);
        if (electorate.Policy.RequireMajority && !_hasMajority)
            return Withdraw(service, WithdrawalReason.NoMajority, before);
        var addresses = AnnouncementPlan.Unclaimed(service.Addresses, electorate.Policy, _claimed);
        if (addresses.Count == 0)
            return Withdraw(service, WithdrawalReason.AddressConflict, before);

        var isPlain = service.Local is null && (_unprogrammed.Count == 0 || !IsSuspect(service));
        var set = isPlain ? electorate.Best : Narrow(service, electorate, isHome: false);
        if (electorate.Policy.Placement is Placement.Bounded && set.Count > 0)
            return AwaitPlacement(service, electorate, before, set, addresses);
        _isUnplaced |= before is not null;
        var winner = set.Count == 0 ? -1 : service.Sharers!.Order.First(set.Members, set.Count);
        return Announce(service, addresses, winner, electorate.Policy.AnnounceFrom is AnnounceFrom.One ? [] : isPlain ? electorate.Answering : AnsweringOf(service, electorate, winner));
    }

    private List<AnsweringNode> AnsweringOf(AnnouncedService service, Electorate electorate, int winner)
    {
        var answering = new List<AnsweringNode>();
        foreach (var node in _nodes.ByName)
            if (winner >= 0 && electorate[node].MayAnnounce && service.Local?.Contains(_nodes[node]!.Name) is not false
                && RankOf(service, electorate, node).Severity == RankOf(service, electorate, winner).Severity)
                answering.Add(new AnsweringNode(_nodes[node]!.Name, electorate.InterfacesOf(node)));
        return answering;
    }

    private NodeRank RankOf(AnnouncedService service, Electorate electorate, int node) =>
        electorate.RankOf(node, IsProgrammed(service, node) ? NodeConditions.None : NodeConditions.NotProgrammed);

    private bool AwaitPlacement(AnnouncedService service, Electorate electorate, NodeSet? before, NodeSet now, IReadOnlyList<IpAddress> addresses)
    {
        now = Kept(before, now);
        var home = service.Local is null ? electorate.Home : Kept(service.Home, Narrow(service, electorate, isHome: true));
        var isSame = before is { } old && old.Members == now.Members && service.Home.Members == home.Members;
        (service.Now, service.Home) = (now, home);
        _isUnplaced |= !isSame || electorate.NamesInterfaces || !_plans.TryGetValue(service.Facts.Key, out var plan)
            || plan.Interfaces.Count > 0 || plan.Policy != electorate.Policy || !plan.Addresses.SequenceEqual(addresses);
        return false;
    }

    // A copy of the scratch set, or the set that it is equal to; other sets are never changed.
    private NodeSet Kept(NodeSet? known, NodeSet set) =>
        set.Members != _scratch ? set
        : known is { Members: not null } same && same.Members.AsSpan().SequenceEqual(set.Members) ? same
        : set with { Members = [.. set.Members] };

    // The candidates of the best rank where single Services or endpoints have a say; it lies in the scratch set.
    private NodeSet Narrow(AnnouncedService service, Electorate electorate, bool isHome)
    {
        Array.Clear(_scratch);
        var (count, best) = (0, default(NodeRank));
        if (service.Local is null)
        {
            foreach (var node in _nodes.ByName)
                Consider(node);
        }
        else
        {
            foreach (var name in service.Local)
                Consider(_nodes.Find(name));
        }

        return new NodeSet(_scratch, count);

        void Consider(int node)
        {
            if (node < 0 || !(isHome ? electorate[node].IsConfigured : electorate[node].MayAnnounce))
                return;
            var rank = isHome ? electorate.HomeRankOf(node) : RankOf(service, electorate, node);
            var order = count == 0 ? -1 : rank.CompareTo(best);
            if (order > 0)
                return;
            if (order < 0 && count > 0)
            {
                Array.Clear(_scratch);
                count = 0;
            }

            (best, _scratch[node], count) = (rank, true, count + 1);
        }
    }

    private bool IsProgrammed(AnnouncedService service, int node)
    {
        if (_unprogrammed.Count == 0)
            return true;
        foreach (var sharer in service.Sharers!.Services)
            if (_unprogrammed.TryGetValue(sharer.Digest, out var nodes) && nodes.Contains(node))
                return false;
        return true;
    }

    private bool Withdraw(AnnouncedService service, WithdrawalReason reason, NodeSet? before)
    {
        _isUnplaced |= before is not null;
        var policy = service.Announceable.Policy;
        if (_plans.TryGetValue(service.Facts.Key, out var plan) && plan.Reason == reason && plan.Policy == policy)
            return false;
        _plans[service.Facts.Key] = AnnouncementPlan.Withdrawn(service.Facts.Key, reason, policy);
        return true;
    }

    private bool Announce(AnnouncedService service, IReadOnlyList<IpAddress> addresses, int winner, IReadOnlyList<AnsweringNode> answering)
    {
        var electorate = service.Electorate!;
        var name = winner < 0 ? null : _nodes[winner]!.Name;
        var interfaces = winner < 0 ? [] : electorate.InterfacesOf(winner);
        if (_plans.TryGetValue(service.Facts.Key, out var plan) && plan.Reason is WithdrawalReason.None && plan.Election.Winner == name
            && (ReferenceEquals(plan.Policy, electorate.Policy) || plan.Policy == electorate.Policy)
            && Same(plan.Answering, answering) && Same(plan.Addresses, addresses) && Same(plan.Interfaces, interfaces))
            return false;
        _plans[service.Facts.Key] = new AnnouncementPlan(service.Facts.Key, addresses, WithdrawalReason.None, new Election(name, service.Ballot), interfaces)
        {
            Policy = electorate.Policy,
            Answering = answering,
        };
        return true;
    }

    private static bool Same<T>(IReadOnlyList<T> left, IReadOnlyList<T> right) =>
        ReferenceEquals(left, right) || (left.Count == right.Count && (left.Count == 0 || left.SequenceEqual(right)));

    // Sharers are placed together, on a node that may have all of them; where there is none, each of the others goes by its own hash.
    private List<ObjectKey> Place()
    {
        _isUnplaced = false;
        var domains = new Dictionary<string, (List<PlacedAddress> Placed, List<AddressSharers> Sharers)>(StringComparer.Ordinal);
        foreach (var sharers in _sharers.Values)
        {
            (NodeSet home, NodeSet now, var since, AnnouncementPolicy? policy) = (default, default, long.MaxValue, null);
            foreach (var service in sharers.Services)
            {
                if (service.Now is not { } own)
                    continue;
                since = Math.Min(since, service.Facts.CreatedAt);
                (home, now) = policy is null ? (service.Home, own) : (Common(home, service.Home), Common(now, own));
                policy = service.Announceable.Policy;
            }

            if (policy is null)
                continue;
            if (!domains.TryGetValue(policy.Name, out var domain))
                domains[policy.Name] = domain = ([], []);
            sharers.Placed = new PlacedAddress(sharers.Address, since, sharers.Order, home, now);
            domain.Placed.Add(sharers.Placed);
            domain.Sharers.Add(sharers);
        }

        var changed = new List<ObjectKey>();
        foreach (var (addresses, all) in domains.Values)
        {
            BoundedPlacement.Place(addresses, _nodes);
            foreach (var sharers in all)
                foreach (var service in sharers.Services)
                    if (service.Now is { } now && Announce(
                        service,
                        AnnouncementPlan.Unclaimed(service.Addresses, service.Announceable.Policy, _claimed),
                        now.Members[sharers.Placed!.Node] ? sharers.Placed.Node : sharers.Order.First(now.Members, now.Count),
                        []))
                        changed.Add(service.Facts.Key);
        }

        return changed;
    }

    private static NodeSet Common(NodeSet set, NodeSet other) =>
        set.Members != other.Members && set.And(other) is { Count: > 0 } both ? both : set;

    // Advertisements are told apart as objects: each is read once.
    private sealed class SameElectorate : IEqualityComparer<(IReadOnlyList<Layer2Advertisement> Advertisements, AnnouncementPolicy Policy)>
    {
        public bool Equals(
            (IReadOnlyList<Layer2Advertisement> Advertisements, AnnouncementPolicy Policy) x,
            (IReadOnlyList<Layer2Advertisement> Advertisements, AnnouncementPolicy Policy) y)
        {
            if (x.Advertisements.Count != y.Advertisements.Count || x.Policy.Name != y.Policy.Name)
                return false;
            for (var i = 0; i < x.Advertisements.Count; i++)
                if (!ReferenceEquals(x.Advertisements[i], y.Advertisements[i]))
                    return false;
            return true;
        }

        public int GetHashCode((IReadOnlyList<Layer2Advertisement> Advertisements, AnnouncementPolicy Policy) obj)
        {
            var hash = new HashCode();
            hash.Add(obj.Policy.Name, StringComparer.Ordinal);
            foreach (var advertisement in obj.Advertisements)
                hash.Add(advertisement.Name, StringComparer.Ordinal);
            return hash.ToHashCode();
        }
    }
}
