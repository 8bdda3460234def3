using System.Text.Json;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Kubernetes.Resources;

/// <summary>From objects of metallb.io and portolan.dev to specifications that <see cref="ConfigurationSet"/> and <see cref="ConfigurationReview"/> judge.</summary>
public static class ConfigurationMapping
{
    /// <summary>The kind of this name, e.g. <c>BGPPeer</c>, or null.</summary>
    public static ConfigurationKind? KindOf(string? name) => name switch
    {
        "IPAddressPool" => ConfigurationKind.IPAddressPool,
        "L2Advertisement" => ConfigurationKind.L2Advertisement,
        "BGPAdvertisement" => ConfigurationKind.BGPAdvertisement,
        "BGPPeer" => ConfigurationKind.BGPPeer,
        "BFDProfile" => ConfigurationKind.BFDProfile,
        "Community" => ConfigurationKind.Community,
        "AnnouncementPolicy" => ConfigurationKind.AnnouncementPolicy,
        "BGPPolicy" => ConfigurationKind.BGPPolicy,
        _ => null,
    };

    /// <summary>The specification in an object's JSON; a BGPPeer must be of version v1beta2.</summary>
    /// <param name="kind">The object's kind.</param>
    /// <param name="json">The whole object.</param>
    /// <exception cref="JsonException">It is no object of the API at all. What is wrong inside <c>spec</c> is among the specification's errors instead.</exception>
    public static ConfigurationSpec Read(ConfigurationKind kind, JsonElement json) => kind switch
    {
        ConfigurationKind.IPAddressPool => Read(json, KubeJson.Default.IPAddressPool).ToSpec(),
        ConfigurationKind.L2Advertisement => Read(json, KubeJson.Default.L2Advertisement).ToSpec(),
        ConfigurationKind.BGPAdvertisement => Read(json, KubeJson.Default.BGPAdvertisement).ToSpec(),
        ConfigurationKind.BGPPeer => Read(json, KubeJson.Default.BGPPeer).ToSpec(),
        ConfigurationKind.BFDProfile => Read(json, KubeJson.Default.BFDProfile).ToSpec(),
        ConfigurationKind.AnnouncementPolicy => Read(json, KubeJson.Default.AnnouncementPolicyObject).ToSpec(),
        ConfigurationKind.BGPPolicy => Read(json, KubeJson.Default.BgpPolicyObject).ToSpec(),
        _ => Read(json, KubeJson.Default.Community).ToSpec(),
    };

    /// <summary>The L2Advertisement as written.</summary>
    public static Layer2Advertisement ToSpec(this L2Advertisement advertisement)
    {
        var errors = Errors(advertisement.Spec);
        var spec = advertisement.Spec ?? new L2AdvertisementSpec();
        return new Layer2Advertisement
        {
            Name = Name(advertisement),
            Namespace = Namespace(advertisement),
            CreatedAt = CreatedAt(advertisement),
            IPAddressPools = Texts(spec.IPAddressPools),
            IPAddressPoolSelectors = PoolMapping.ToSelectors(spec.IPAddressPoolSelectors, "spec.ipAddressPoolSelectors", errors),
            NodeSelectors = PoolMapping.ToSelectors(spec.NodeSelectors, "spec.nodeSelectors", errors),
            PreferredNodeSelectors = Preferences(spec.PreferredNodeSelectors, errors),
            ServiceSelectors = PoolMapping.ToSelectors(spec.ServiceSelectors, "spec.serviceSelectors", errors),
            Interfaces = Texts(spec.Interfaces),
            ReadErrors = errors,
            IsReadable = advertisement.Spec?.Unreadable is null,
        };
    }

    /// <summary>The BGPAdvertisement as written.</summary>
    public static BgpAdvertisementSpec ToSpec(this BGPAdvertisement advertisement)
    {
        var errors = Errors(advertisement.Spec);
        var spec = advertisement.Spec ?? new BGPAdvertisementSpec();
        return new BgpAdvertisementSpec
        {
            Name = Name(advertisement),
            Namespace = Namespace(advertisement),
            CreatedAt = CreatedAt(advertisement),
            AggregationLength = spec.AggregationLength ?? 32,
            AggregationLengthV6 = spec.AggregationLengthV6 ?? 128,
            LocalPref = spec.LocalPref ?? 0,
            Communities = Texts(spec.Communities),
            IPAddressPools = Texts(spec.IPAddressPools),
            IPAddressPoolSelectors = PoolMapping.ToSelectors(spec.IPAddressPoolSelectors, "spec.ipAddressPoolSelectors", errors),
            NodeSelectors = PoolMapping.ToSelectors(spec.NodeSelectors, "spec.nodeSelectors", errors),
            Peers = Texts(spec.Peers),
            ServiceSelectors = PoolMapping.ToSelectors(spec.ServiceSelectors, "spec.serviceSelectors", errors),
            ReadErrors = errors,
            IsReadable = advertisement.Spec?.Unreadable is null,
        };
    }

    /// <summary>The BGPPeer as written.</summary>
    public static BgpPeerSpec ToSpec(this BGPPeer peer)
    {
        var errors = Errors(peer.Spec);
        var spec = peer.Spec ?? new BGPPeerSpec();
        return new BgpPeerSpec
        {
            Name = Name(peer),
            Namespace = Namespace(peer),
            CreatedAt = CreatedAt(peer),
            MyAsn = spec.MyASN ?? 0,
            PeerAsn = spec.PeerASN ?? 0,
            DynamicAsn = spec.DynamicASN ?? "",
            LocalAsn = spec.LocalASN,
            PeerAddress = spec.PeerAddress ?? "",
            Interface = spec.Interface ?? "",
            SourceAddress = spec.SourceAddress ?? "",
            PeerPort = spec.PeerPort,
            HoldTime = spec.HoldTime,
            KeepaliveTime = spec.KeepaliveTime,
            ConnectTime = spec.ConnectTime,
            RouterId = spec.RouterID ?? "",
            NodeSelectors = PoolMapping.ToSelectors(spec.NodeSelectors, "spec.nodeSelectors", errors),
            Password = spec.Password ?? "",
            PasswordSecret = spec.PasswordSecret?.Name ?? "",
            PasswordSecretNamespace = spec.PasswordSecret?.Namespace ?? "",
            BfdProfile = spec.BfdProfile ?? "",
            EnableGracefulRestart = spec.EnableGracefulRestart ?? false,
            EbgpMultiHop = spec.EbgpMultiHop ?? false,
            Vrf = spec.Vrf ?? "",
            DisableMP = spec.DisableMP ?? false,
            DualStackAddressFamily = spec.DualStackAddressFamily ?? false,
            ReadErrors = errors,
            IsReadable = peer.Spec?.Unreadable is null,
        };
    }

    /// <summary>The BFDProfile as written.</summary>
    public static BfdProfileSpec ToSpec(this BFDProfile profile)
    {
        var spec = profile.Spec ?? new BFDProfileSpec();
        return new BfdProfileSpec
        {
            Name = Name(profile),
            Namespace = Namespace(profile),
            CreatedAt = CreatedAt(profile),
            ReceiveInterval = spec.ReceiveInterval,
            TransmitInterval = spec.TransmitInterval,
            DetectMultiplier = spec.DetectMultiplier,
            EchoInterval = spec.EchoInterval,
            EchoMode = spec.EchoMode ?? false,
            PassiveMode = spec.PassiveMode ?? false,
            MinimumTtl = spec.MinimumTtl,
            ReadErrors = Errors(profile.Spec),
            IsReadable = profile.Spec?.Unreadable is null,
        };
    }

    /// <summary>The Community as written.</summary>
    public static CommunitySpec ToSpec(this Community community) => new()
    {
        Name = Name(community),
        Namespace = Namespace(community),
        CreatedAt = CreatedAt(community),
        Communities = [.. (community.Spec?.Communities ?? []).Select(alias => (alias?.Name ?? "", alias?.Value ?? ""))],
        ReadErrors = Errors(community.Spec),
        IsReadable = community.Spec?.Unreadable is null,
    };

    /// <summary>What may be known of a Secret with a password.</summary>
    public static SecretFacts ToFacts(this Secret secret) => new(secret.Type ?? "", secret.Data?.ContainsKey("password") ?? false);

    internal static List<FieldError> Errors(WrittenSpec? spec) => spec?.Unreadable is { } unreadable ? [unreadable] : [];

    // A list may hold null where no schema forbids it.
    internal static List<string> Texts(List<string>? values) => values is null ? [] : values.ConvertAll(value => value ?? "");

    internal static long CreatedAt(IKubeObject found) => found.Metadata.CreationTimestamp?.ToUnixTimeSeconds() ?? 0;

    internal static List<NodePreference> Preferences(List<PreferredNodeSelector>? specs, List<FieldError> errors)
    {
        var preferences = new List<NodePreference>();
        for (var i = 0; i < specs?.Count; i++)
            if ((specs[i]?.Preference ?? new LabelSelectorSpec()).ToSelector($"spec.preferredNodeSelectors[{i}].preference", errors) is { } selector)
                preferences.Add(new NodePreference(specs[i]?.Weight ?? 0, selector));
        return preferences;
    }

    private static string Name(IKubeObject found) => found.Metadata.Name ?? "";

    private static string Namespace(IKubeObject found) => found.Metadata.Namespace ?? "";

    private static T Read<T>(JsonElement json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class => json.Deserialize(type) ?? throw new JsonException("null is no object");
}
