using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>What the allocator says about a Service.</summary>
public enum Outcome : byte
{
    /// <summary>Not for us: another class, not of type LoadBalancer. Its status is left alone.</summary>
    NotOurs,

    /// <summary>Not for us any more: what we wrote into its status goes.</summary>
    Released,

    /// <summary>It should have an address and cannot get one now; its status is empty.</summary>
    Waiting,

    /// <summary>It has these addresses.</summary>
    Assigned,
}

/// <summary>An event for the Service's own log, under MetalLB's reasons.</summary>
/// <param name="IsWarning">Type Warning rather than Normal.</param>
/// <param name="Reason">One word, e.g. <c>AllocationFailed</c>.</param>
/// <param name="Message">A sentence for the user.</param>
public readonly record struct ServiceEvent(bool IsWarning, string Reason, string Message);

/// <summary>What a Service's status should be, and why.</summary>
public sealed record Decision
{
    /// <summary>The Service.</summary>
    public required ObjectKey Service { get; init; }

    /// <summary>What to do.</summary>
    public required Outcome Outcome { get; init; }

    /// <summary>The addresses of an assigned Service: one, or one of each family.</summary>
    public IReadOnlyList<IpAddress> Addresses { get; init; } = [];

    /// <summary>Of a released Service: the addresses that were ours. What else its status holds is another controller's.</summary>
    public IReadOnlyList<IpAddress> Leaving { get; init; } = [];

    /// <summary>The pool they are from; empty while that pool is in force in no version.</summary>
    public string Pool { get; init; } = "";

    /// <summary>On which terms they are shared, for <see cref="ServiceAnnotations.SharedAs"/>; empty where they are not.</summary>
    public string SharedAs { get; init; } = "";

    /// <summary>The rule that led here.</summary>
    public required string Reason { get; init; }

    /// <summary>What the user should be told: only what the decision before this one did not say already.</summary>
    public IReadOnlyList<ServiceEvent> Events { get; init; } = [];

    /// <summary>Whether it asks for the same status as another decision.</summary>
    public bool SameStatusAs(Decision? other) =>
        other is not null && Outcome == other.Outcome && Pool == other.Pool && SharedAs == other.SharedAs && Addresses.SequenceEqual(other.Addresses);
}
