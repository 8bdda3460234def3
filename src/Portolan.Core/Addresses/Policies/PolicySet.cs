using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses.Policies;

/// <summary>What is wrong with one AddressPoolPolicy.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Error">The field and the rule.</param>
/// <param name="PreviousInForce">An earlier version of the policy is used instead.</param>
public readonly record struct PolicyProblem(string Policy, FieldError Error, bool PreviousInForce);

/// <summary>The policies in force: of each the version that is written, or, where that is wrong, the last good one.</summary>
public sealed class PolicySet
{
    /// <summary>No policies: everything is as with MetalLB.</summary>
    public static readonly PolicySet Empty = new([], []);

    private PolicySet(IReadOnlyList<AddressPoolPolicy> policies, IReadOnlyList<PolicyProblem> problems) => (Policies, Problems) = (policies, problems);

    /// <summary>The older first: where two say different things about one pool, the older counts.</summary>
    public IReadOnlyList<AddressPoolPolicy> Policies { get; }

    /// <summary>What is wrong with the policies by themselves.</summary>
    public IReadOnlyList<PolicyProblem> Problems { get; }

    /// <summary>Judges the policies as they are written now.</summary>
    public PolicySet Update(IReadOnlyList<AddressPoolPolicySpec> specs)
    {
        var (policies, problems) = (new List<AddressPoolPolicy>(), new List<PolicyProblem>());
        foreach (var spec in specs.OrderBy(spec => spec.CreatedAt).ThenBy(spec => spec.Name, StringComparer.Ordinal))
        {
            var errors = new List<FieldError>();
            var policy = spec.Parse(errors) ?? Policies.FirstOrDefault(known => known.Name == spec.Name);
            problems.AddRange(errors.Select(error => new PolicyProblem(spec.Name, error, policy is not null)));
            if (policy is not null)
                policies.Add(policy);
        }

        return new PolicySet(policies, problems);
    }
}
