using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy.Programmed;
using Portolan.Speaker.Readiness;

namespace Portolan.Speaker.Bgp;

/// <summary>
/// Keeps an address from being announced by BGP before this node's proxy has it in the kernel: a router sends at once, and no other node ranks before this one, as
/// on layer 2. What is announced stays announced: a proxy that restarts takes nothing away. Only Portolan's proxy tells what it has; where another one serves the
/// node, or the Service, nothing waits. One caller at a time.
/// </summary>
/// <param name="programmed">What the proxy says of a Service, or null: nothing.</param>
internal sealed class ProgrammedGate(Func<ObjectKey, ProgrammedService?> programmed)
{
    private readonly HashSet<ObjectKey> _waiting = [];

    /// <summary>A proxy tells what it has.</summary>
    public bool IsTold { get; private set; }

    /// <summary>The Services of which some address waits.</summary>
    public IReadOnlySet<ObjectKey> Waiting => _waiting;

    /// <summary>The proxy has something else of these Services than before, or begins or ceases to tell.</summary>
    /// <param name="services">Of which something else is known.</param>
    /// <param name="isTold">Whether a proxy tells what it has.</param>
    /// <returns>Those that are to be looked at again.</returns>
    public IReadOnlyList<ObjectKey> On(IReadOnlyCollection<ObjectKey> services, bool isTold)
    {
        var ceased = IsTold && !isTold;
        IsTold = isTold;
        return _waiting.Count == 0 ? [] : ceased ? [.. _waiting] : [.. services.Where(_waiting.Contains)];
    }

    /// <summary>A Service without the addresses that wait.</summary>
    /// <param name="service">The Service as this speaker knows it.</param>
    /// <param name="announced">Those of its addresses that are announced now.</param>
    public ServiceFacts Admit(ServiceFacts service, IReadOnlyList<IpAddress> announced)
    {
        List<IngressAddress>? admitted = null;
        if (IsTold && !service.Labels.ContainsKey(ForwardingPlan.ProxyNameLabel))
        {
            var known = programmed(service.Key);
            if (service.Ingress.Any(ingress => !May(ingress)))
                admitted = [.. service.Ingress.Where(May)];

            bool May(IngressAddress ingress) => announced.Contains(ingress.Address) || ProgrammingDelay.IsServed(service, known, ingress);
        }

        if (admitted is null)
            _waiting.Remove(service.Key);
        else
            _waiting.Add(service.Key);
        return admitted is null ? service : service with { Ingress = admitted };
    }

    /// <summary>A Service is gone.</summary>
    public void Forget(ObjectKey service) => _waiting.Remove(service);
}
