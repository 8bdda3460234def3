using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Gives each namespace its default account and the cluster's certificate, and empties it when it goes.</summary>
internal sealed class NamespaceController(ClusterCache cache, ClusterWriter writer, string authorityPem) : Controller("namespace-controller")
{
    private const string RootCertificate = "kube-root-ca.crt";
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    /// <summary>Made by others or by the server itself, never emptied by hand.</summary>
    private static readonly HashSet<string> s_notContent = new(StringComparer.Ordinal) { "events.k8s.io/events" };

    public override IEnumerable<ObjectKey> Touches(CacheChange change) => change.Is(WorkloadKinds.Namespaces) ? [change.Key]
        : change.Key.Namespace.Length > 0 && (change.New is null || (change.Is(WorkloadKinds.ConfigMaps) && change.Key.Name == RootCertificate)) ? [new ObjectKey("", change.Key.Namespace)]
        : [];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Namespaces, key) is not { } ns)
            return null;
        if (ns.IsDeleting())
            return await EmptyAsync(ns, cancel).ConfigureAwait(false);

        if (cache.Find(WorkloadKinds.ServiceAccounts, new ObjectKey(key.Name, "default")) is null)
            await CreateAsync(WorkloadKinds.ServiceAccounts, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default", ["namespace"] = key.Name } }, cancel).ConfigureAwait(false);
        var root = cache.Find(WorkloadKinds.ConfigMaps, new ObjectKey(key.Name, RootCertificate));
        if (root is null)
        {
            await CreateAsync(WorkloadKinds.ConfigMaps, new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = RootCertificate, ["namespace"] = key.Name },
                ["data"] = new JsonObject { ["ca.crt"] = authorityPem },
            }, cancel).ConfigureAwait(false);
        }
        else if (root.Json.Text("data", "ca.crt") != authorityPem)
        {
            await writer.PatchAsync(WorkloadKinds.ConfigMaps, root, new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = authorityPem } }, cancel).ConfigureAwait(false);
        }
        return null;
    }

    private async Task CreateAsync(ResourceType<UntypedObject> type, JsonObject value, CancellationToken cancel)
    {
        try
        {
            await writer.CreateAsync(type, new UntypedObject(value), cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists || e.StatusCode is System.Net.HttpStatusCode.Forbidden)
        {
            // Somebody was faster, or the namespace is going; the watch brings either.
        }
    }

    /// <summary>Deletes whatever kinds the server knows, custom ones too; the last look that finds nothing lets the namespace go.</summary>
    private async Task<TimeSpan?> EmptyAsync(UntypedObject ns, CancellationToken cancel)
    {
        var left = 0;
        foreach (var type in await Discovery.DeletableAsync(writer.Client, cancel).ConfigureAwait(false))
        {
            if (!type.Namespaced || s_notContent.Contains($"{type.Group}/{type.Plural}"))
                continue;
            var list = await writer.Client.ListAsync(type, ns.Metadata.Name, ct: cancel).ConfigureAwait(false);
            foreach (var item in list.Items)
            {
                left++;
                if (!item.IsDeleting())
                    await writer.Client.DeleteAsync(type, ns.Metadata.Name, item.Metadata.Name!, item.Uid(), propagationPolicy: "Background", ct: cancel).ConfigureAwait(false);
            }
        }
        if (left > 0)
            return s_look;

        var finalized = (JsonObject)ns.Json.DeepClone();
        finalized["apiVersion"] = "v1";
        finalized["kind"] = "Namespace";
        finalized["spec"] = new JsonObject { ["finalizers"] = new JsonArray() };
        try
        {
            await writer.Client.RequestAsync(HttpMethod.Put, WorkloadKinds.Namespaces.Path(null, ns.Metadata.Name, "finalize"), finalized, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
        }
        return null;
    }
}
