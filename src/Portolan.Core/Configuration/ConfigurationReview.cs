using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>What is to be said to somebody who writes an object of the configuration.</summary>
/// <param name="Errors">Why it must not be written; empty when it may.</param>
/// <param name="Warnings">What the writer should know although it may be written.</param>
public readonly record struct ReviewVerdict(IReadOnlyList<FieldError> Errors, IReadOnlyList<string> Warnings);

/// <summary>
/// The rules that stand between an object and the API's store, for the admission webhook. Only what the change itself breaks is an error:
/// what was wrong before is no reason to refuse it. A reference to an object that does not exist (yet) is a warning, because manifests
/// arrive in any order.
/// </summary>
public static class ConfigurationReview
{
    /// <summary>Judges one change.</summary>
    /// <param name="known">All objects as they were last seen.</param>
    /// <param name="change">What is about to happen to one of them.</param>
    public static ReviewVerdict Check(ConfigurationObjects known, ConfigurationChange change)
    {
        var errors = new List<FieldError>();
        var warnings = new List<string>();
        if (change.Spec is { Namespace.Length: > 0 } placed && known.Namespace.Length > 0 && placed.Namespace != known.Namespace)
            errors.Add(new FieldError("metadata.namespace", placed.Namespace, $"must be {known.Namespace}: objects elsewhere are not read"));
        switch (change.Spec)
        {
            case AddressPoolSpec pool:
                PoolErrors(known, pool, errors);
                break;
            case Layer2Advertisement advertisement:
                errors.AddRange(advertisement.ReadErrors);
                break;
        }

        return new ReviewVerdict(errors, warnings);
    }

    private static void PoolErrors(ConfigurationObjects known, AddressPoolSpec pool, List<FieldError> errors)
    {
        if (AddressPool.Parse(pool, errors) is not { } parsed)
            return;
        foreach (var other in known.All<AddressPoolSpec>().Where(other => other.Name != pool.Name))
            if (AddressPool.Parse(other, []) is { } existing && parsed.Clash(existing) is { } clash)
                errors.Add(clash);
    }
}
