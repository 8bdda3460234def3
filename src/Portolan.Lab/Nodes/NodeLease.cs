using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Nodes;

/// <summary>The node's Lease: what says, every two seconds, that it is alive. The last one is remembered, so that renewing it is one request.</summary>
internal sealed class NodeLease(KubeClient client, string node, TimeProvider time)
{
    private const string Namespace = "kube-node-lease";
    private const int Seconds = 40;

    private Lease? _last;

    public async Task RenewAsync(CancellationToken cancel)
    {
        _last ??= await client.FindAsync(Kinds.Leases, Namespace, node, cancel).ConfigureAwait(false);
        var spec = new LeaseSpec { HolderIdentity = node, LeaseDurationSeconds = Seconds, RenewTime = time.GetUtcNow() };
        if (_last is null)
        {
            _last = await client.CreateAsync(Kinds.Leases, Namespace, new Lease { Metadata = new ObjectMeta { Name = node, Namespace = Namespace }, Spec = spec }, cancel).ConfigureAwait(false);
            return;
        }
        try
        {
            _last.Spec = spec;
            _last = await client.ReplaceAsync(Kinds.Leases, _last, null, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException)
        {
            // Somebody else wrote or deleted it: the next attempt looks first.
            _last = null;
            throw;
        }
    }
}
