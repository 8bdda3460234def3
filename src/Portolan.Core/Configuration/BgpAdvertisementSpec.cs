using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>A BGPAdvertisement (metallb.io/v1beta1) as it is written.</summary>
public sealed record BgpAdvertisementSpec : ConfigurationSpec
{
    /// <summary>So many communities at most, after aliases were looked up.</summary>
    public const int MostCommunities = 63;

    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.BGPAdvertisement;

    /// <summary><c>spec.aggregationLength</c>: 1..32; 32 when absent.</summary>
    public long AggregationLength { get; init; } = 32;

    /// <summary><c>spec.aggregationLengthV6</c>: 1..128; 128 when absent.</summary>
    public long AggregationLengthV6 { get; init; } = 128;

    /// <summary><c>spec.localPref</c>; 0 and absent are the same.</summary>
    public long LocalPref { get; init; }

    /// <summary><c>spec.communities</c>: values and aliases.</summary>
    public IReadOnlyList<string> Communities { get; init; } = [];

    /// <summary><c>spec.ipAddressPools</c>; together with the pool selectors: either suffices, neither means every pool.</summary>
    public IReadOnlyList<string> IPAddressPools { get; init; } = [];

    /// <summary><c>spec.ipAddressPoolSelectors</c>.</summary>
    public IReadOnlyList<LabelSelector> IPAddressPoolSelectors { get; init; } = [];

    /// <summary><c>spec.nodeSelectors</c>; one suffices, none means all nodes.</summary>
    public IReadOnlyList<LabelSelector> NodeSelectors { get; init; } = [];

    /// <summary><c>spec.peers</c>: names of BGPPeers; none means all.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary><c>spec.serviceSelectors</c>; one suffices, none means all Services.</summary>
    public IReadOnlyList<LabelSelector> ServiceSelectors { get; init; } = [];

    /// <summary>Checks the advertisement by itself and looks its aliases up.</summary>
    /// <param name="aliases">What the aliases stand for.</param>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <param name="unknown">Where aliases that nobody knows are added.</param>
    /// <returns>The advertisement, or null when anything was added.</returns>
    internal BgpAdvertisement? Parse(IReadOnlyDictionary<string, BgpCommunity> aliases, ICollection<FieldError> errors, ICollection<FieldError> unknown)
    {
        var before = errors.Count + unknown.Count;
        if (!AddReadErrors(errors))
            return null;
        FieldRules.Range("spec.aggregationLength", AggregationLength, 1, 32, errors);
        FieldRules.Range("spec.aggregationLengthV6", AggregationLengthV6, 1, 128, errors);
        FieldRules.Range("spec.localPref", LocalPref, 0, uint.MaxValue, errors);
        FieldRules.Unique("spec.communities", Communities, errors);
        FieldRules.Unique("spec.ipAddressPools", IPAddressPools, errors);
        FieldRules.Unique("spec.ipAddressPoolSelectors", IPAddressPoolSelectors, errors);
        FieldRules.Unique("spec.nodeSelectors", NodeSelectors, errors);
        FieldRules.Unique("spec.peers", Peers, errors);
        FieldRules.Unique("spec.serviceSelectors", ServiceSelectors, errors);
        if (ServiceSelectors.Count > 0 && AggregationLength != 32)
            errors.Add(new FieldError("spec.serviceSelectors", "", "cannot be combined with an aggregationLength other than 32"));
        if (ServiceSelectors.Count > 0 && AggregationLengthV6 != 128)
            errors.Add(new FieldError("spec.serviceSelectors", "", "cannot be combined with an aggregationLengthV6 other than 128"));
        var communities = Resolve(aliases, errors, unknown);
        return errors.Count + unknown.Count > before ? null : new BgpAdvertisement(this, communities);
    }

    private HashSet<BgpCommunity> Resolve(IReadOnlyDictionary<string, BgpCommunity> aliases, ICollection<FieldError> errors, ICollection<FieldError> unknown)
    {
        var resolved = new HashSet<BgpCommunity>();
        for (var i = 0; i < Communities.Count; i++)
        {
            var text = Communities[i];
            if (aliases.TryGetValue(text, out var value))
                resolved.Add(value);
            else if (BgpCommunity.Parse(text, out value) is not { } rule)
                resolved.Add(value);
            else if (BgpCommunity.LooksLikeValue(text))
                errors.Add(new FieldError($"spec.communities[{i}]", text, rule));
            else
                unknown.Add(new FieldError($"spec.communities[{i}]", text, "no Community gives this name a value"));
        }

        if (resolved.Count > MostCommunities)
            errors.Add(new FieldError("spec.communities", $"{resolved.Count} communities", $"at most {MostCommunities} can be sent"));
        return resolved;
    }
}
