using System.Text;
using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Core.Configuration;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Speaker.Bgp;

/// <summary>
/// What users configure of BGP, as this node has it: the objects, what of them is in force, and the passwords. None of the kinds need be there: a cluster
/// without them has no peers.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="options">Whose objects count.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told of kinds that cannot be read.</param>
internal sealed class BgpConfiguration(KubeClient client, SpeakerOptions options, TimeProvider time, ILogger log)
{
    private const string PasswordKey = "password";

    private readonly LoadedConfiguration _loaded = new();
    private readonly Dictionary<string, string> _passwords = new(StringComparer.Ordinal);
    private readonly HashSet<string> _awaited = new(StringComparer.Ordinal)
    {
        Kinds.IPAddressPools.Plural, Kinds.BGPAdvertisements.Plural, Kinds.BGPPeers.Plural, Kinds.BFDProfiles.Plural, Kinds.Communities.Plural, Kinds.BGPPolicies.Plural, Kinds.NodeLabels.Plural, Kinds.Secrets.Plural,
    };

    /// <summary>Something is different since <see cref="Update"/>.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>Everything has been listed, or cannot be.</summary>
    public bool IsComplete => _awaited.Count == 0;

    /// <summary>What is in force.</summary>
    public ConfigurationSet InForce => _loaded.InForce;

    /// <summary>What is wrong, object by object; pools and what is for layer 2 aside.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems() => [.. _loaded.Problems().Where(problem => problem.Object.Kind is not "IPAddressPool")];

    /// <summary>Adds the watches to the host.</summary>
    public void Supervise(RoleHost host, Func<Action, CancellationToken, ValueTask> enqueue)
    {
        Watch(Kinds.BGPAdvertisements, change => On(Kinds.BGPAdvertisements, change, found => found.ToSpec()));
        Watch(Kinds.BGPPeers, change => On(Kinds.BGPPeers, change, found => found.ToSpec()));
        Watch(Kinds.BFDProfiles, change => On(Kinds.BFDProfiles, change, found => found.ToSpec()));
        Watch(Kinds.Communities, change => On(Kinds.Communities, change, found => found.ToSpec()));
        Watch(Kinds.BGPPolicies, change => On(Kinds.BGPPolicies, change, found => found.ToSpec()));
        Watch(Kinds.Secrets, OnSecret, $"type={SecretFacts.BasicAuth}");

        void Watch<T>(ResourceType<T> type, Action<Change<T>> onChange, string? fieldSelector = null)
            where T : class, IKubeObject => host.Supervise(
            "watch-bgp-" + type.Plural,
            stop => new OptionalWatch<T>(client, type, options.Namespace, time, log, fieldSelector).RunAsync(change => enqueue(() => onChange(change), stop), stop));
    }

    /// <summary>An IPAddressPool changed.</summary>
    public void On(Change<IPAddressPool> change) => On(Kinds.IPAddressPools, change, found => found.ToSpec());

    /// <summary>A Node changed: which nodes' objects meet is judged by labels.</summary>
    public void On(Change<Node> change)
    {
        if (change.Kind is ChangeKind.Synced)
            _awaited.Remove(Kinds.NodeLabels.Plural);
        HasChanged |= _loaded.Set(new Change<NodeLabels>(change.Kind, change.Key, Labels(change.Old), Labels(change.New)));
    }

    /// <summary>Judges everything as it is now.</summary>
    public void Update()
    {
        HasChanged = false;
        _loaded.SetSecrets(_loaded.Objects.All<BgpPeerSpec>().Select(peer => peer.PasswordSecret).Where(name => name.Length > 0).Distinct(StringComparer.Ordinal)
            .ToDictionary(name => name, name => _passwords.ContainsKey(name) ? new SecretFacts(SecretFacts.BasicAuth, HasPassword: true) : null, StringComparer.Ordinal));
        _loaded.Update();
    }

    /// <summary>The TCP MD5 key of a peer; empty: it has none; null: its Secret is not there, or has none.</summary>
    public string? PasswordOf(BgpPeer peer) =>
        peer.PasswordSecret.Length == 0 ? peer.Password : _passwords.GetValueOrDefault(peer.PasswordSecret);

    private static NodeLabels? Labels(Node? node) => node is null ? null : new NodeLabels { Metadata = node.Metadata };

    private void On<T>(ResourceType<T> type, Change<T> change, Func<T, ConfigurationSpec> read)
        where T : class, IKubeObject
    {
        if (change.Kind is ChangeKind.Synced)
            HasChanged |= _awaited.Remove(type.Plural);
        HasChanged |= _loaded.Set(type, change, read);
    }

    private void OnSecret(Change<Secret> change)
    {
        if (change.Kind is ChangeKind.Synced)
        {
            HasChanged |= _awaited.Remove(Kinds.Secrets.Plural);
            return;
        }

        var name = change.Key.Name;
        var password = change.New?.Data?.GetValueOrDefault(PasswordKey) is { Length: > 0 } bytes ? Encoding.UTF8.GetString(bytes) : null;
        if (password == _passwords.GetValueOrDefault(name))
            return;
        if (password is null)
            _passwords.Remove(name);
        else
            _passwords[name] = password;
        // Of a Secret that no peer names, nothing follows.
        HasChanged |= InForce.BgpPeers.Values.Any(peer => peer.PasswordSecret == name) || !IsComplete;
    }
}
