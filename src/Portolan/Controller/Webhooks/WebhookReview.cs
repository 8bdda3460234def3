using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Admission;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller.Webhooks;

/// <summary>
/// Answers reviews by <see cref="ConfigurationReview"/>. What a change is compared with is asked of the API server for each review: no cache that is behind,
/// none that must be filled first, so every replica answers alike from its first moment. When it cannot be asked, the object is judged by itself.
/// </summary>
internal sealed class WebhookReview(KubeClient client, string ns, ILogger log)
{
    // The webhook's own time limit is 5 s (timeoutSeconds): an answer about less is better than none.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    // A bulk of changes must not become a bulk of lists held in memory at once.
    private static readonly SemaphoreSlim _turns = new(4);

    public async ValueTask<AdmissionVerdict> CheckAsync(AdmissionRequest request, CancellationToken stop)
    {
        if (KindOf(request.Resource) is not { } kind)
            return AdmissionVerdict.Allowed;
        ConfigurationChange change;
        if (request.Operation == "DELETE")
        {
            if (request.Namespace != ns)
                return AdmissionVerdict.Allowed;
            change = ConfigurationChange.Delete(kind, request.Name);
        }
        else
        {
            // What is going, or is not changed in what it says, is let through: whatever is wrong with it was wrong before.
            var written = request.Object!;
            if (written["metadata"] is JsonObject metadata && metadata["deletionTimestamp"] is not null)
                return AdmissionVerdict.Allowed;
            if (request.OldObject is { } before && JsonNode.DeepEquals(before["spec"], written["spec"]))
                return AdmissionVerdict.Allowed;
            try
            {
                var spec = ConfigurationMapping.Read(kind, JsonElement.Parse(written.ToJsonString()));
                change = ConfigurationChange.Write(spec with { Name = request.Name.Length > 0 ? request.Name : spec.Name, Namespace = request.Namespace });
            }
            catch (JsonException e)
            {
                return AdmissionVerdict.Refused($"{e.Path?.TrimStart('$', '.')}: is not of the type that the schema says");
            }
        }

        var (known, complete) = await KnownAsync(change, stop);
        var verdict = ConfigurationReview.Check(known, change);
        var warnings = complete ? verdict.Warnings : ["could not be compared with other objects, because the API server did not answer in time; the controller does it later"];
        return new AdmissionVerdict(verdict.Errors.Count == 0 ? null : string.Join("; ", verdict.Errors), warnings);
    }

    private async Task<(ConfigurationObjects Known, bool Complete)> KnownAsync(ConfigurationChange change, CancellationToken stop)
    {
        var nothing = ConfigurationObjects.Empty with { Namespace = ns };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(_patience);
        var held = false;
        try
        {
            await _turns.WaitAsync(patience.Token);
            held = true;
            var nodes = change.Kind is ConfigurationKind.BGPAdvertisement or ConfigurationKind.BGPPeer or ConfigurationKind.BGPPolicy or ConfigurationKind.AnnouncementPolicy ? NodesAsync(patience.Token) : Task.FromResult<ImmutableDictionary<string, IReadOnlyDictionary<string, string>>?>(null);
            var lists = await Task.WhenAll(Compared(change).Select(kind => ListAsync(kind, patience.Token)));
            return (lists.SelectMany(list => list).Aggregate(nothing with { Nodes = await nodes }, (known, spec) => known.With(spec)), true);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or KubeApiException or JsonException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            log.LogWarning("{Kind} {Name}: judged by itself: {Reason}", change.Kind, change.Name, e.Message);
            return (nothing, false);
        }
        finally
        {
            if (held)
                _turns.Release();
        }
    }

    /// <summary>The kinds that a change of this one is held against.</summary>
    private static IEnumerable<ConfigurationKind> Compared(ConfigurationChange change) => change.Kind switch
    {
        ConfigurationKind.IPAddressPool => [ConfigurationKind.IPAddressPool, ConfigurationKind.BGPAdvertisement, ConfigurationKind.Community],
        ConfigurationKind.L2Advertisement => [ConfigurationKind.IPAddressPool],
        ConfigurationKind.BGPAdvertisement =>
            [ConfigurationKind.IPAddressPool, ConfigurationKind.BGPAdvertisement, ConfigurationKind.BGPPeer, ConfigurationKind.BFDProfile, ConfigurationKind.Community],
        ConfigurationKind.BGPPeer => [ConfigurationKind.BGPPeer, ConfigurationKind.BFDProfile, ConfigurationKind.BGPPolicy],
        ConfigurationKind.BGPPolicy => [ConfigurationKind.BGPPeer, ConfigurationKind.BGPPolicy],
        ConfigurationKind.AnnouncementPolicy => [ConfigurationKind.IPAddressPool, ConfigurationKind.AnnouncementPolicy],
        ConfigurationKind.BFDProfile => change.Spec is null ? [ConfigurationKind.BGPPeer] : [],
        _ => [ConfigurationKind.Community],
    };

    private async Task<IEnumerable<ConfigurationSpec>> ListAsync(ConfigurationKind kind, CancellationToken stop) => kind switch
    {
        ConfigurationKind.IPAddressPool => (await client.ListAsync(Kinds.IPAddressPools, ns, ct: stop)).Items.Select(found => found.ToSpec()),
        ConfigurationKind.L2Advertisement => (await client.ListAsync(Kinds.L2Advertisements, ns, ct: stop)).Items.Select(found => found.ToSpec()),
        ConfigurationKind.BGPAdvertisement => (await client.ListAsync(Kinds.BGPAdvertisements, ns, ct: stop)).Items.Select(found => found.ToSpec()),
        ConfigurationKind.BGPPeer => (await client.ListAsync(Kinds.BGPPeers, ns, ct: stop)).Items.Select(found => found.ToSpec()),
        ConfigurationKind.BFDProfile => (await client.ListAsync(Kinds.BFDProfiles, ns, ct: stop)).Items.Select(found => found.ToSpec()),
        ConfigurationKind.BGPPolicy => await BgpPoliciesAsync(stop),
        ConfigurationKind.AnnouncementPolicy => (await client.ListAsync(Kinds.AnnouncementPolicies, ns, ct: stop)).Items.Select(found => found.ToSpec()),
        _ => (await client.ListAsync(Kinds.Communities, ns, ct: stop)).Items.Select(found => found.ToSpec()),
    };

    // MetalLB's own definitions, left as they were by whoever upgraded from it, are enough for its peers.
    private async Task<IEnumerable<ConfigurationSpec>> BgpPoliciesAsync(CancellationToken stop)
    {
        try
        {
            return (await client.ListAsync(Kinds.BGPPolicies, ns, ct: stop)).Items.Select(found => found.ToSpec());
        }
        catch (KubeApiException refused) when (refused.IsNotFound || refused.StatusCode is System.Net.HttpStatusCode.Forbidden)
        {
            return [];
        }
    }

    /// <returns>Null where there are none, or they may not be read: then any two objects may meet on some node.</returns>
    private async Task<ImmutableDictionary<string, IReadOnlyDictionary<string, string>>?> NodesAsync(CancellationToken stop)
    {
        try
        {
            var nodes = await client.ListAsync(Kinds.Nodes, ct: stop);
            return nodes.Items.Count == 0 ? null : nodes.Items.ToImmutableDictionary(node => node.Metadata.Name ?? "", node => (IReadOnlyDictionary<string, string>)(node.Metadata.Labels ?? []), StringComparer.Ordinal);
        }
        catch (KubeApiException)
        {
            return null;
        }
    }

    private static ConfigurationKind? KindOf(string resource) => resource switch
    {
        "ipaddresspools" => ConfigurationKind.IPAddressPool,
        "l2advertisements" => ConfigurationKind.L2Advertisement,
        "bgpadvertisements" => ConfigurationKind.BGPAdvertisement,
        "bgppeers" => ConfigurationKind.BGPPeer,
        "bfdprofiles" => ConfigurationKind.BFDProfile,
        "communities" => ConfigurationKind.Community,
        "announcementpolicies" => ConfigurationKind.AnnouncementPolicy,
        "bgppolicies" => ConfigurationKind.BGPPolicy,
        _ => null,
    };
}
