using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Controller;

// The kinds of portolan.dev. A cluster without them is served as if there were no objects of them.
internal sealed partial class ControllerState
{
    private readonly HashSet<string> _alsoAwaited = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PolicyObject> _policies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ReservationObject> _reservations = new(StringComparer.Ordinal);
    private PolicySet _policySet = PolicySet.Empty;

    /// <summary>Some object is not in force as it is written.</summary>
    public bool IsStale => Configuration.InForce.IsStale || _policySet.Problems.Count > 0;

    /// <summary>Nothing is decided before this kind has been listed, or it is known that it cannot be.</summary>
    public void Await(string plural) => _alsoAwaited.Add(plural);

    /// <summary>This kind has been listed, or cannot be.</summary>
    public Consequences Listed(string plural) => _alsoAwaited.Remove(plural) ? Heard() : Consequences.None;

    /// <summary>It is this late now, in seconds since 1970.</summary>
    public Consequences At(long now) => Allocator.Advance(now) is { Count: > 0 } decisions ? new Consequences(decisions, null) : Consequences.None;

    public Consequences On(Change<PolicyObject> change)
    {
        if (change.Kind is ChangeKind.Synced)
            return Listed(Kinds.AddressPoolPolicies.Plural);
        if (change.New is { } policy)
            _policies[change.Key.Name] = policy;
        else
            _policies.Remove(change.Key.Name);
        _policySet = _policySet.Update([.. _policies.Values.Select(written => written.ToSpec())]);
        var decisions = Allocator.SetPolicies(_policySet);

        // Guards are no use before the nodes are known.
        if (Allocator.WatchesNodes && !IsSynced)
            Await(Kinds.Nodes.Plural);
        return new Consequences(decisions, IsSynced ? Problems() : null);
    }

    /// <param name="change">What changed.</param>
    /// <param name="isOurs">We deleted it ourselves.</param>
    public Consequences On(Change<ReservationObject> change, bool isOurs = false)
    {
        if (change.Kind is ChangeKind.Synced)
            return Listed(Kinds.AddressReservations.Plural);
        if (change.New is { } reservation)
        {
            _reservations[change.Key.Name] = reservation;
            var decisions = Allocator.SetReservation(reservation.ToReservation([]));
            return new Consequences(decisions, IsSynced && change.Old?.Metadata.Generation != reservation.Metadata.Generation ? Problems() : null);
        }

        _reservations.Remove(change.Key.Name);
        return isOurs ? Consequences.None : new Consequences(Allocator.RemoveReservation(change.Key.Name), IsSynced ? Problems() : null);
    }

    public Consequences On(Change<Node> change)
    {
        if (change.Kind is ChangeKind.Synced)
            return Listed(Kinds.Nodes.Plural);
        var before = Allocator.RefusedPools;
        var decisions = Allocator.SetNode(change.Key.Name, change.New?.ToFacts());
        return decisions.Count == 0 && before.SequenceEqual(Allocator.RefusedPools) ? Consequences.None : new Consequences(decisions, IsSynced ? Problems() : null);
    }

    // A new allocator has heard of none.
    private void HearReservations()
    {
        foreach (var reservation in _reservations.Values)
            Allocator.SetReservation(reservation.ToReservation([]));
    }

    private List<ConfigurationProblem> Problems()
    {
        var problems = new List<ConfigurationProblem>(Configuration.Problems());
        foreach (var (pool, error) in Allocator.RefusedPools)
            if (_pools.TryGetValue(pool, out var found))
                problems.Add(new ConfigurationProblem(InvolvedObject.Of(Kinds.IPAddressPools, found), error, Standing.InForce));
        foreach (var (name, error, previousInForce) in Allocator.PolicyProblems)
            if (_policies.TryGetValue(name, out var found))
                problems.Add(new ConfigurationProblem(InvolvedObject.Of(Kinds.AddressPoolPolicies, found), error, StandingOf(found, previousInForce)));
        foreach (var reservation in _reservations.Values.OrderBy(reservation => reservation.Metadata.Name, StringComparer.Ordinal))
        {
            var errors = new List<FieldError>();
            reservation.ToReservation(errors);
            problems.AddRange(errors.Select(error => new ConfigurationProblem(InvolvedObject.Of(Kinds.AddressReservations, reservation), error, Standing.InForce)));
        }

        return problems;
    }

    private Standing StandingOf(PolicyObject policy, bool previousInForce) =>
        _policySet.Problems.All(problem => problem.Policy != policy.Metadata.Name) ? Standing.InForce : previousInForce ? Standing.PreviousInForce : Standing.NotInForce;
}
