using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads;

namespace Portolan.Lab.Hollow;

/// <summary>Brings a cluster to a <see cref="HollowSize"/> through its API, several requests at a time. Interrupted, it goes on from there the next time.</summary>
/// <param name="client">An administrator's.</param>
/// <param name="said">Told what is being done.</param>
internal sealed class HollowLoad(KubeClient client, Action<string> said)
{
    /// <summary>More at a time is no faster on any server whose writes share one log.</summary>
    private const int AtOnce = 32;

    private const string Selector = HollowCluster.Label;
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    /// <summary>What there is now. The type and number of endpoints are not looked for: they are the caller's.</summary>
    public async Task<(int Nodes, int Services)> CountAsync(CancellationToken cancel) =>
        ((await NodesAsync(cancel).ConfigureAwait(false)).Count, (await ServicesAsync(cancel).ConfigureAwait(false)).Count);

    /// <exception cref="KubeApiException">The server refused.</exception>
    public async Task ApplyAsync(HollowSize size, CancellationToken cancel)
    {
        var plan = HollowPlan.For(size, await NodesAsync(cancel).ConfigureAwait(false), await ServicesAsync(cancel).ConfigureAwait(false));
        if (plan.AddServices.Count > 0)
            await CreateAsync(WorkloadKinds.Namespaces, HollowObjects.Namespace(), cancel).ConfigureAwait(false);
        await EachAsync(plan.RemoveServices, "Services removed", RemoveServiceAsync, cancel).ConfigureAwait(false);
        await EachAsync(plan.RemoveNodes, "nodes removed", (name, ct) => client.DeleteAsync(WorkloadKinds.Nodes, null, name, ct: ct), cancel).ConfigureAwait(false);
        await EachAsync(plan.AddNodes, "nodes added", (number, ct) => CreateAsync(WorkloadKinds.Nodes, HollowObjects.Node(number), ct), cancel).ConfigureAwait(false);
        await EachAsync(plan.AddServices, "Services added", (number, ct) => AddServiceAsync(number, size, ct), cancel).ConfigureAwait(false);
        if (size.Services == 0)
            await RemoveNamespaceAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Until it is gone: whoever asks for Services right afterwards must not meet one that is ending.</summary>
    private async Task RemoveNamespaceAsync(CancellationToken cancel)
    {
        await client.DeleteAsync(WorkloadKinds.Namespaces, null, HollowCluster.Namespace, ct: cancel).ConfigureAwait(false);
        while (await client.FindAsync(WorkloadKinds.Namespaces, null, HollowCluster.Namespace, cancel).ConfigureAwait(false) is not null)
            await Task.Delay(s_look, cancel).ConfigureAwait(false);
    }

    private async Task AddServiceAsync(int number, HollowSize size, CancellationToken cancel)
    {
        var service = await CreateAsync(WorkloadKinds.Services, HollowObjects.Service(number, size), cancel).ConfigureAwait(false);
        await CreateAsync(WorkloadKinds.EndpointSlices, HollowObjects.EndpointSlice(number, size, service), cancel).ConfigureAwait(false);
    }

    /// <summary>The slice first: without it the garbage collector has nothing to do, and a Service without endpoints refuses at once.</summary>
    private async Task RemoveServiceAsync(string name, CancellationToken cancel)
    {
        await client.DeleteAsync(WorkloadKinds.EndpointSlices, HollowCluster.Namespace, name, ct: cancel).ConfigureAwait(false);
        await client.DeleteAsync(WorkloadKinds.Services, HollowCluster.Namespace, name, ct: cancel).ConfigureAwait(false);
    }

    /// <returns>The object as it is now: created, or there before.</returns>
    private async Task<UntypedObject> CreateAsync(ResourceType<UntypedObject> type, UntypedObject value, CancellationToken cancel)
    {
        var (ns, name) = (value.Json.Text("metadata", "namespace"), value.Json.Text("metadata", "name")!);
        try
        {
            return await client.CreateAsync(type, ns, value, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            if (await client.FindAsync(type, ns, name, cancel).ConfigureAwait(false) is { } there)
                return there;
            throw;
        }
    }

    private async Task<HashSet<string>> NodesAsync(CancellationToken cancel) =>
        (await client.ListAsync(WorkloadKinds.Nodes, null, Selector, ct: cancel).ConfigureAwait(false)).Items.Select(n => n.Metadata.Name!).ToHashSet(StringComparer.Ordinal);

    private async Task<Dictionary<string, string>> ServicesAsync(CancellationToken cancel) =>
        (await client.ListAsync(WorkloadKinds.Services, HollowCluster.Namespace, Selector, ct: cancel).ConfigureAwait(false)).Items
            .ToDictionary(s => s.Metadata.Name!, s => s.Annotation(HollowObjects.FormAnnotation) ?? "", StringComparer.Ordinal);

    private async Task EachAsync<T>(IReadOnlyList<T> items, string what, Func<T, CancellationToken, Task> act, CancellationToken cancel)
    {
        if (items.Count == 0)
            return;
        var done = 0;
        await Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (item, ct) =>
        {
            await act(item, ct).ConfigureAwait(false);
            var now = Interlocked.Increment(ref done);
            if (now % 500 == 0 || now == items.Count)
                said($"{now} of {items.Count} {what}");
        }).ConfigureAwait(false);
    }
}
