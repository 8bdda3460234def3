using System.Diagnostics.CodeAnalysis;
using Portolan.Core.Cluster;
using Portolan.Proxy.Programmed;

namespace Portolan.Speaker.Readiness;

/// <summary>
/// The Services that the kernel of this node should serve and, for longer than changes take, does not. Pure: time is passed in, as microseconds.
/// </summary>
internal sealed class ProgrammingDelay
{
    /// <summary>How long the proxy may take: a change is in the kernel after milliseconds. Microseconds.</summary>
    internal const long Allowed = 500_000;

    private readonly Dictionary<ObjectKey, long> _since = [];
    private readonly Queue<(ObjectKey Service, long Since)> _waiting = new(); // in order of time
    private readonly HashSet<ObjectKey> _late = [];

    /// <summary>Those that are late.</summary>
    public IReadOnlySet<ObjectKey> Late => _late;

    /// <summary>When <see cref="Advance"/> has something to do, or null.</summary>
    public long? Deadline => _waiting.TryPeek(out var first) ? first.Since + Allowed : null;

    /// <summary>Whether the kernel has of a Service all that its object, as this speaker knows it, asks for.</summary>
    /// <param name="service">A Service that this node may announce: it has an endpoint that its policy allows here.</param>
    /// <param name="programmed">What the proxy says of it, or null: nothing.</param>
    public static bool IsServed(ServiceFacts service, ProgrammedService? programmed)
    {
        if (!HasEndpoints(service, programmed))
            return false;
        foreach (var ingress in service.Ingress)
        {
            if (!Takes(programmed, ingress))
                return false;
        }

        return true;
    }

    /// <summary>Whether connections to one of a Service's addresses reach an endpoint by what the kernel has.</summary>
    /// <inheritdoc cref="IsServed(ServiceFacts, ProgrammedService?)"/>
    /// <param name="service">The Service.</param>
    /// <param name="programmed">What the proxy says of it, or null: nothing.</param>
    /// <param name="ingress">The address.</param>
    public static bool IsServed(ServiceFacts service, ProgrammedService? programmed, IngressAddress ingress) => HasEndpoints(service, programmed) && Takes(programmed, ingress);

    // One that was deleted and made again still has its predecessor's rules. Versions tell no order, so only a generation, where there is one, does.
    private static bool HasEndpoints(ServiceFacts service, [NotNullWhen(true)] ProgrammedService? programmed) =>
        programmed is not null && programmed.Programmed && programmed.Uid == service.Uid && programmed.Generation >= service.Generation
        && (service.ExternalTrafficPolicy is TrafficPolicy.Local ? programmed.LocalEndpoints : programmed.ClusterEndpoints) > 0;

    private static bool Takes(ProgrammedService programmed, IngressAddress ingress) => ingress.IsProxyMode || programmed.Addresses.Contains(ingress.Address.ToString());

    /// <summary>Takes how it is with a Service now.</summary>
    public void Set(ObjectKey service, bool isServed, long now)
    {
        if (isServed)
        {
            _late.Remove(service);
            _since.Remove(service);
        }
        else if (_since.TryAdd(service, now))
        {
            _waiting.Enqueue((service, now));
        }
    }

    /// <summary>Nothing is known any more, or nothing is asked.</summary>
    public void Clear()
    {
        _since.Clear();
        _waiting.Clear();
        _late.Clear();
    }

    /// <summary>Lets time pass.</summary>
    public void Advance(long now)
    {
        while (_waiting.TryPeek(out var first) && first.Since + Allowed <= now)
        {
            _waiting.Dequeue();
            // It may have been served meanwhile, and fallen behind anew.
            if (_since.TryGetValue(first.Service, out var since) && since == first.Since)
                _late.Add(first.Service);
        }
    }
}
