using System.Text;
using System.Threading.Channels;
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
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);

    private readonly LoadedConfiguration _loaded = new();
    private readonly Dictionary<string, string?> _passwords = new(StringComparer.Ordinal); // null: there is none in the Secret
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private volatile IReadOnlyList<string> _secrets = [];
    private readonly HashSet<string> _awaited = new(StringComparer.Ordinal)
    {
        Kinds.IPAddressPools.Plural, Kinds.BGPAdvertisements.Plural, Kinds.BGPPeers.Plural, Kinds.BFDProfiles.Plural, Kinds.Communities.Plural, Kinds.BGPPolicies.Plural, Kinds.NodeLabels.Plural,
    };

    /// <summary>Something is different since <see cref="Update"/>.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>Everything has been listed, or cannot be.</summary>
    public bool IsComplete => _awaited.Count == 0;

    /// <summary>What is in force.</summary>
    public ConfigurationSet InForce => _loaded.InForce;

    /// <summary>What is wrong, object by object; pools and what is for layer 2 aside.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems() => [.. _loaded.Problems().Where(problem => problem.Object.Kind is not "IPAddressPool")];

    /// <summary>What does less than it says, object by object.</summary>
    public IReadOnlyList<ConfigurationProblem> Notices() => _loaded.Notices();

    /// <summary>Adds the watches to the host.</summary>
    public void Supervise(RoleHost host, Func<Action, CancellationToken, ValueTask> enqueue)
    {
        Watch(Kinds.BGPAdvertisements, change => On(Kinds.BGPAdvertisements, change, found => found.ToSpec()));
        Watch(Kinds.BGPPeers, change => On(Kinds.BGPPeers, change, found => found.ToSpec()));
        Watch(Kinds.BFDProfiles, change => On(Kinds.BFDProfiles, change, found => found.ToSpec()));
        Watch(Kinds.Communities, change => On(Kinds.Communities, change, found => found.ToSpec()));
        Watch(Kinds.BGPPolicies, change => On(Kinds.BGPPolicies, change, found => found.ToSpec()));
        host.Supervise("bgp-passwords", stop => LookUpPasswordsAsync(enqueue, stop));

        void Watch<T>(ResourceType<T> type, Action<Change<T>> onChange)
            where T : class, IKubeObject => host.Supervise(
            "watch-bgp-" + type.Plural,
            stop => new OptionalWatch<T>(client, type, options.Namespace, time, log).RunAsync(change => enqueue(() => onChange(change), stop), stop));
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
        var names = _loaded.Objects.All<BgpPeerSpec>().Select(peer => peer.PasswordSecret).Where(name => name.Length > 0).Distinct(StringComparer.Ordinal).ToList();
        if (!names.SequenceEqual(_secrets))
        {
            _secrets = names;
            _news.Writer.TryWrite(true);
        }

        // Of one that has not been looked up yet nothing is said.
        _loaded.SetSecrets(names.Where(_passwords.ContainsKey).ToDictionary(
            name => name, name => _passwords[name] is null ? null : new SecretFacts(SecretFacts.BasicAuth, HasPassword: true), StringComparer.Ordinal));
        _loaded.Update();
    }

    /// <summary>The TCP MD5 key of a peer; empty: it has none; null: its Secret has not been looked up, is not there, or has none.</summary>
    public string? PasswordOf(BgpPeer peer) => peer.PasswordSecret.Length == 0 ? peer.Password : _passwords.GetValueOrDefault(peer.PasswordSecret);

    /// <summary>Whether a peer's password has been looked up, where it has any.</summary>
    public bool IsLookedUp(BgpPeer peer) => peer.PasswordSecret.Length == 0 || _passwords.ContainsKey(peer.PasswordSecret);

    private static NodeLabels? Labels(Node? node) => node is null ? null : new NodeLabels { Metadata = node.Metadata };

    private void On<T>(ResourceType<T> type, Change<T> change, Func<T, ConfigurationSpec> read)
        where T : class, IKubeObject
    {
        if (change.Kind is ChangeKind.Synced)
            HasChanged |= _awaited.Remove(type.Plural);
        HasChanged |= _loaded.Set(type, change, read);
    }

    // Secrets are looked up, not watched: few peers have one, and the others are none of a speaker's business.
    private async Task LookUpPasswordsAsync(Func<Action, CancellationToken, ValueTask> enqueue, CancellationToken stop)
    {
        while (true)
        {
            var names = _secrets;
            foreach (var name in names)
            {
                var password = await PasswordInAsync(name, stop);
                await enqueue(() => Learn(name, password), stop);
            }

            var next = _news.Reader.ReadAsync(stop).AsTask();
            if (names.Count == 0)
                await next;
            else
                await Task.WhenAny(next, Task.Delay(LookAgain, time, stop));
            stop.ThrowIfCancellationRequested();
        }
    }

    private async Task<string?> PasswordInAsync(string name, CancellationToken stop)
    {
        var pauses = new BackOff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
        while (true)
        {
            try
            {
                var secret = await client.FindAsync(Kinds.Secrets, options.Namespace, name, stop);
                return secret?.Type is SecretFacts.BasicAuth && secret.Data?.GetValueOrDefault(PasswordKey) is { Length: > 0 } bytes ? Encoding.UTF8.GetString(bytes) : null;
            }
            catch (Exception failure) when (ApiFailure.IsTransient(failure, stop))
            {
                await Task.Delay(pauses.Next(), time, stop);
            }
            catch (KubeApiException refused)
            {
                log.LogWarning("bgp: Secret {Secret} cannot be read: {Reason}", name, refused.Message);
                return null;
            }
        }
    }

    private void Learn(string name, string? password)
    {
        if (_passwords.TryGetValue(name, out var known) && known == password)
            return;
        _passwords[name] = password;
        HasChanged = true;
    }
}
