using System.Collections.Immutable;
using Portolan.Core.Announcements;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Controller;

/// <summary>
/// The configuration as the controller has it: objects as they were last seen, and what is in force of them. Pools are judged as soon as they
/// are listed, so that nothing else delays addresses; what concerns BGP once all of it is listed, so that an object is not called wrong
/// because what it names has not arrived. A kind that the API does not let us read counts as having no objects, and is named.
/// </summary>
internal sealed class LoadedConfiguration
{
    private static readonly string[] _bgpSources =
        [Kinds.BGPAdvertisements.Plural, Kinds.BGPPeers.Plural, Kinds.BFDProfiles.Plural, Kinds.Communities.Plural, Kinds.NodeLabels.Plural];

    private readonly Dictionary<(ConfigurationKind Kind, string Name), InvolvedObject> _about = [];
    private readonly HashSet<string> _awaited = new(_bgpSources, StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _unread = new(StringComparer.Ordinal);

    /// <summary>All objects as they were last seen. A value: it may be handed to another thread, such as the webhook's.</summary>
    public ConfigurationObjects Objects { get; private set; } = ConfigurationObjects.Empty;

    /// <summary>What is in force.</summary>
    public ConfigurationSet InForce { get; private set; } = ConfigurationSet.Empty;

    /// <summary>The kinds, by their plural, that the API does not let us read, and its words.</summary>
    public IReadOnlyDictionary<string, string> Unread => _unread;

    /// <summary>Everything has been listed, or cannot be.</summary>
    public bool IsComplete => _awaited.Count == 0;

    /// <summary>An object changed.</summary>
    /// <returns>Whether it may matter: not when only its status changed.</returns>
    public bool Set<T>(ResourceType<T> type, Change<T> change, Func<T, ConfigurationSpec> read)
        where T : class, IKubeObject
    {
        if (change.Kind is ChangeKind.Synced)
            return Listed(type.Plural);
        var kind = ConfigurationMapping.KindOf(type.Kind)!.Value;
        if (change.New is not { } found)
        {
            _about.Remove((kind, change.Key.Name));
            Objects = Objects.Without(kind, change.Key.Name);
            return true;
        }

        _about[(kind, change.Key.Name)] = InvolvedObject.Of(type, found);
        if (change.Old is { Metadata.Generation: { } before } old && found.Metadata.Generation == before && SameLabels(old, found))
            return false;
        Objects = Objects.With(read(found));
        return true;
    }

    /// <summary>A Node came, went or changed.</summary>
    /// <returns>Whether it may matter.</returns>
    public bool Set(Change<NodeLabels> change)
    {
        if (change.Kind is ChangeKind.Synced)
        {
            Objects = Objects with { Nodes = Objects.Nodes ?? ImmutableDictionary<string, IReadOnlyDictionary<string, string>>.Empty };
            return Listed(Kinds.NodeLabels.Plural);
        }

        if (change.New is { } node && SameLabels(change.Old, node))
            return false;
        Objects = Objects.WithNode(change.Key.Name, change.New?.Metadata.Labels ?? (change.New is null ? null : []));
        return IsComplete && (Objects.All<BgpPeerSpec>().Any() || Objects.All<BgpAdvertisementSpec>().Any() || Objects.All<BgpPolicySpec>().Any() || Objects.All<AnnouncementPolicy>().Any(policy => policy.RequireMajority));
    }

    /// <summary>Secrets were looked up.</summary>
    /// <returns>Whether anything was found to be different.</returns>
    public bool SetSecrets(IReadOnlyDictionary<string, SecretFacts?> secrets)
    {
        var found = secrets.ToImmutableDictionary(StringComparer.Ordinal);
        if (found.Count == Objects.Secrets.Count && found.All(secret => Objects.Secrets.TryGetValue(secret.Key, out var known) && known == secret.Value))
            return false;
        Objects = Objects with { Secrets = found };
        return true;
    }

    /// <summary>The API does not let us read a kind, e.g. because its definition is not installed.</summary>
    /// <returns>Whether that is news.</returns>
    public bool CannotRead(string plural, string why)
    {
        var known = _unread.TryGetValue(plural, out var before) && before == why;
        _unread[plural] = why;
        return _awaited.Remove(plural) || !known;
    }

    /// <summary>Judges everything that is complete.</summary>
    public void Update() => InForce = InForce.Update(IsComplete ? Objects : Objects.Only(ConfigurationKind.IPAddressPool, ConfigurationKind.L2Advertisement, ConfigurationKind.AnnouncementPolicy) with { Nodes = null });

    /// <summary>What is wrong, object by object.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems() => About(InForce.Problems);

    /// <summary>What does less than it says, object by object.</summary>
    public IReadOnlyList<ConfigurationProblem> Notices() => About(InForce.Notices);

    private List<ConfigurationProblem> About(IReadOnlyList<ObjectProblem> problems)
    {
        var known = new List<ConfigurationProblem>();
        foreach (var (kind, name, error, standing) in problems)
            if (_about.TryGetValue((kind, name), out var about))
                known.Add(new ConfigurationProblem(about, error, standing));
        return known;
    }

    private bool Listed(string plural) => _unread.Remove(plural) | _awaited.Remove(plural);

    private static bool SameLabels(IKubeObject? old, IKubeObject found)
    {
        if (old is null)
            return false;
        var (a, b) = (old.Metadata.Labels ?? [], found.Metadata.Labels ?? []);
        return a.Count == b.Count && a.All(label => b.TryGetValue(label.Key, out var value) && value == label.Value);
    }
}
