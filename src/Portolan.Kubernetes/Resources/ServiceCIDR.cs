namespace Portolan.Kubernetes.Resources;

/// <summary><c>networking.k8s.io/v1 ServiceCIDR</c>: ranges from which Services get their ClusterIPs. Served from Kubernetes 1.33 on.</summary>
public sealed class ServiceCIDR : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    public ServiceCIDRSpec? Spec { get; set; }
}

/// <summary><c>networking.k8s.io/v1 ServiceCIDRSpec</c>.</summary>
public sealed class ServiceCIDRSpec
{
    /// <summary>One range of each family at most.</summary>
    public List<string>? Cidrs { get; set; }
}
