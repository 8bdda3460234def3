namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>Alone in the kernel: what it tells at once is not complete while other network namespaces have virtual servers, and then more has to be asked.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class IpvsTableCollection
{
    internal const string Name = "virtual servers of one namespace";
}
