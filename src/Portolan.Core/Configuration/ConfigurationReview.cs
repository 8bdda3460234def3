using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>What is to be said to somebody who writes an object of the configuration.</summary>
/// <param name="Errors">Why it must not be written; empty when it may.</param>
/// <param name="Warnings">What the writer should know although it may be written.</param>
public readonly record struct ReviewVerdict(IReadOnlyList<FieldError> Errors, IReadOnlyList<string> Warnings);

/// <summary>
/// The rules that stand between an object and the API's store, for the admission webhook. Only what the change itself breaks is an error:
/// what was wrong with others before is no reason to refuse it. A reference to an object that does not exist (yet) is a warning, because
/// manifests arrive in any order; so is an edit of one object that another one no longer suits.
/// </summary>
public static class ConfigurationReview
{
    /// <summary>Judges one change.</summary>
    /// <param name="known">All objects as they were last seen.</param>
    /// <param name="change">What is about to happen to one of them.</param>
    public static ReviewVerdict Check(ConfigurationObjects known, ConfigurationChange change)
    {
        var errors = new List<FieldError>();
        var warnings = new List<FieldError>();
        if (change.Spec is null)
        {
            if (change.Kind is ConfigurationKind.BFDProfile)
                errors.AddRange(ProfileInUse(known, change.Name));
            return Verdict();
        }

        var others = known.Without(change.Kind, change.Name);
        if (change.Spec.Namespace.Length > 0 && known.Namespace.Length > 0 && change.Spec.Namespace != known.Namespace)
            errors.Add(new FieldError("metadata.namespace", change.Spec.Namespace, $"must be {known.Namespace}: objects elsewhere are not read"));
        warnings.AddRange(FieldNotices.Of(change.Spec));
        switch (change.Spec)
        {
            case AddressPoolSpec pool:
                Check(pool, others, errors, warnings);
                break;
            case Layer2Advertisement advertisement:
                advertisement.Parse(errors);
                break;
            case AnnouncementPolicy policy:
                if (policy.Parse(errors) is not null)
                    warnings.AddRange(PolicyNotices.Of(policy, others.All<AnnouncementPolicy>(), Pools(others), others.Nodes?.Count));
                break;
            case BgpAdvertisementSpec advertisement:
                Check(advertisement, others, errors, warnings);
                break;
            case BgpPeerSpec peer:
                Check(peer, others, known.Find(peer.Kind, peer.Name) as BgpPeerSpec, errors, warnings);
                break;
            case BgpPolicySpec policy:
                Check(policy, others, errors);
                break;
            case BfdProfileSpec profile:
                profile.Parse(errors);
                break;
            case CommunitySpec community:
                if (community.Parse(errors) is { } aliases)
                    errors.AddRange(Clashes(others.All<CommunitySpec>().Select(other => other.Parse([])), aliases.Clash));
                break;
        }

        warnings.AddRange(References.Missing(change.Spec, others));
        return Verdict();

        ReviewVerdict Verdict() => new(errors, [.. warnings.Select(warning => warning.ToString())]);
    }

    private static void Check(AddressPoolSpec spec, ConfigurationObjects others, List<FieldError> errors, List<FieldError> warnings)
    {
        if (AddressPool.Parse(spec, errors) is not { } pool)
            return;
        errors.AddRange(Clashes(Pools(others), pool.Clash));
        foreach (var advertisement in Advertisements(others))
            if (advertisement.Covers(pool) && advertisement.Misfit(pool) is { } misfit)
                warnings.Add(new FieldError($"BGPAdvertisement {advertisement.Name}: {misfit.Path}", misfit.Value, misfit.Rule));
    }

    private static void Check(BgpAdvertisementSpec spec, ConfigurationObjects others, List<FieldError> errors, List<FieldError> warnings)
    {
        if (spec.Parse(Aliases(others), errors, warnings) is not { } advertisement)
        {
            // With a name that nobody knows yet the rest is judged without it.
            if (errors.Count > 0 || (spec with { Communities = [] }).Parse(Aliases(others), [], []) is not { } rest)
                return;
            advertisement = rest;
        }

        var pools = Pools(others).ToList();
        foreach (var pool in pools)
            if (advertisement.Covers(pool) && advertisement.Misfit(pool) is { } misfit)
                errors.Add(misfit);
        var nodes = new NodeMeeting(others.Nodes);
        errors.AddRange(Clashes(Advertisements(others), other => advertisement.Clash(other, pools, nodes)));
        if (ConfigurationSet.EchoClash(advertisement, pools, Echoing(others)) is { } echo)
            warnings.Add(echo);
    }

    private static void Check(BgpPeerSpec spec, ConfigurationObjects others, BgpPeerSpec? before, List<FieldError> errors, List<FieldError> warnings)
    {
        if (References.MissingProfile(spec, others) is { } missing)
            warnings.Add(missing);
        if (before is not null && before.EnableGracefulRestart != spec.EnableGracefulRestart)
            errors.Add(new FieldError("spec.enableGracefulRestart", spec.EnableGracefulRestart ? "true" : "false", "cannot be changed; make another BGPPeer"));
        if (spec.Parse(errors) is not { } peer)
            return;
        var nodes = new NodeMeeting(others.Nodes);
        errors.AddRange(Clashes(others.All<BgpPeerSpec>().Select(other => other.Parse([])), other => peer.Clash(other, nodes)));
        foreach (var policy in BgpPolicies(others))
            if (policy.Misfit([peer], nodes) is { } misfit)
                warnings.Add(new FieldError($"BGPPolicy {policy.Name}: {misfit.Path}", misfit.Value, misfit.Rule));
    }

    private static void Check(BgpPolicySpec spec, ConfigurationObjects others, List<FieldError> errors)
    {
        if (spec.Parse(errors) is not { } policy)
            return;
        var nodes = new NodeMeeting(others.Nodes);
        errors.AddRange(Clashes(BgpPolicies(others), other => policy.Clash(other, nodes)));
        if (policy.Misfit(others.All<BgpPeerSpec>().Select(peer => peer.Parse([])).OfType<BgpPeer>(), nodes) is { } misfit)
            errors.Add(misfit);
    }

    private static IEnumerable<FieldError> ProfileInUse(ConfigurationObjects known, string profile)
    {
        foreach (var peer in known.All<BgpPeerSpec>())
            if (peer.BfdProfile == profile)
                yield return new FieldError("metadata.name", profile, $"BGPPeer {peer.Name} uses this BFDProfile");
    }

    private static IEnumerable<FieldError> Clashes<T>(IEnumerable<T?> others, Func<T, FieldError?> clash)
        where T : class
    {
        foreach (var other in others)
            if (other is not null && clash(other) is { } found)
                yield return found;
    }

    private static IEnumerable<AddressPool> Pools(ConfigurationObjects known) => known.All<AddressPoolSpec>().Select(spec => AddressPool.Parse(spec, [])).OfType<AddressPool>();

    private static IEnumerable<BgpPolicy> BgpPolicies(ConfigurationObjects known) => known.All<BgpPolicySpec>().Select(spec => spec.Parse([])).OfType<BgpPolicy>();

    private static IEnumerable<BgpAdvertisement> Advertisements(ConfigurationObjects known)
    {
        var aliases = Aliases(known);
        return known.All<BgpAdvertisementSpec>().Select(spec => spec.Parse(aliases, [], [])).OfType<BgpAdvertisement>();
    }

    private static Dictionary<string, BgpCommunity> Aliases(ConfigurationObjects known) => ConfigurationSet.Aliases(known.All<CommunitySpec>().Select(spec => spec.Parse([])).OfType<CommunityAliases>());

    private static IEnumerable<BgpPeer> Echoing(ConfigurationObjects known)
    {
        foreach (var spec in known.All<BgpPeerSpec>())
            if (spec.BfdProfile.Length > 0 && known.Find(ConfigurationKind.BFDProfile, spec.BfdProfile) is BfdProfileSpec { EchoMode: true } profile && spec.Parse([]) is { } peer && profile.Parse([]) is { } parsed)
                yield return peer with { BfdProfile = parsed };
    }
}
