using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Kubernetes.Resources;

/// <summary>From the object to the policy that is judged and obeyed.</summary>
public static class AnnouncementPolicyMapping
{
    /// <summary>The AnnouncementPolicy as written.</summary>
    public static AnnouncementPolicy ToSpec(this AnnouncementPolicyObject policy)
    {
        var errors = ConfigurationMapping.Errors(policy.Spec);
        var spec = policy.Spec ?? new AnnouncementPolicyObjectSpec();
        var holdDown = Duration("spec.failback.holdDown", spec.Failback?.HoldDown, errors) ?? TimeSpan.Zero;
        return new AnnouncementPolicy
        {
            Name = policy.Metadata.Name ?? "",
            Namespace = policy.Metadata.Namespace ?? "",
            CreatedAt = ConfigurationMapping.CreatedAt(policy),
            IPAddressPools = ConfigurationMapping.Texts(spec.IPAddressPools),
            IPAddressPoolSelectors = PoolMapping.ToSelectors(spec.IPAddressPoolSelectors, "spec.ipAddressPoolSelectors", errors),
            Placement = Word("spec.placement", spec.Placement, errors, ("hash", Placement.Hash), ("bounded", Placement.Bounded)),
            AnnounceFrom = Word("spec.announceFrom", spec.AnnounceFrom, errors, ("one", AnnounceFrom.One), ("all", AnnounceFrom.All)),
            PreferredNodeSelectors = ConfigurationMapping.Preferences(spec.PreferredNodeSelectors, errors),
            HoldDown = holdDown,
            MaxHoldDown = Duration("spec.failback.maxHoldDown", spec.Failback?.MaxHoldDown, errors) ?? (holdDown > AnnouncementPolicy.DefaultMaxHoldDown ? holdDown : AnnouncementPolicy.DefaultMaxHoldDown),
            OnConflict = Word(
                "spec.onConflict", spec.OnConflict, errors, ("defend", ConflictPolicy.Defend), ("yield", ConflictPolicy.Yield), ("refuse", ConflictPolicy.Refuse)),
            RequireMajority = spec.RequireMajority ?? false,
            ReadErrors = errors,
            IsReadable = policy.Spec?.Unreadable is null,
        };
    }

    // Absent is the first; so is an empty string, as elsewhere in the API.
    private static T Word<T>(string path, string? text, List<FieldError> errors, params ReadOnlySpan<(string Word, T Value)> words)
    {
        if (string.IsNullOrEmpty(text))
            return words[0].Value;
        foreach (var (word, value) in words)
            if (word == text)
                return value;
        var known = new List<string>();
        foreach (var (word, _) in words)
            known.Add(word);
        errors.Add(new FieldError(path, text, "must be " + string.Join(", ", known[..^1]) + " or " + known[^1]));
        return words[0].Value;
    }

    private static TimeSpan? Duration(string path, string? text, List<FieldError> errors)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        if (GoDuration.TryParse(text, out var duration))
            return duration;
        errors.Add(new FieldError(path, text, "must be a duration, e.g. 90s, 10m or 24h"));
        return null;
    }
}
