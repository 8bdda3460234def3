namespace Portolan.Lab.Hollow;

/// <summary>How much hollowness there is to be.</summary>
/// <param name="Nodes">0 to <see cref="HollowCluster.MaximumNodes"/>.</param>
/// <param name="Services">0 to <see cref="HollowCluster.MaximumServices"/>.</param>
/// <param name="Endpoints">Of each Service; 1 to <see cref="HollowCluster.MaximumEndpoints"/>.</param>
/// <param name="Type"><c>ClusterIP</c>, <c>NodePort</c> or <c>LoadBalancer</c>.</param>
internal sealed record HollowSize(int Nodes, int Services, int Endpoints, string Type)
{
    /// <summary>What a Service was made for; one that was made for something else is made anew.</summary>
    public string Form => $"{Type}, {Endpoints} endpoints on {Nodes} nodes";
}

/// <summary>What must be done to come from what is to <see cref="HollowSize"/>; nothing that is right already is touched.</summary>
/// <param name="AddNodes">Numbers.</param>
/// <param name="RemoveNodes">Names.</param>
/// <param name="AddServices">Numbers.</param>
/// <param name="RemoveServices">Names; those that are made anew are here, too.</param>
internal sealed record HollowPlan(IReadOnlyList<int> AddNodes, IReadOnlyList<string> RemoveNodes, IReadOnlyList<int> AddServices, IReadOnlyList<string> RemoveServices)
{
    /// <param name="size">What is wanted.</param>
    /// <param name="nodes">Names of the hollow nodes there are.</param>
    /// <param name="services">The hollow Services there are, and what each was made for (<see cref="HollowSize.Form"/>).</param>
    public static HollowPlan For(HollowSize size, IReadOnlySet<string> nodes, IReadOnlyDictionary<string, string> services)
    {
        var wantedNodes = Enumerable.Range(1, size.Nodes).ToDictionary(HollowCluster.NodeName, StringComparer.Ordinal);
        var wantedServices = Enumerable.Range(1, size.Services).ToDictionary(HollowCluster.ServiceName, StringComparer.Ordinal);
        return new(
            [.. wantedNodes.Where(n => !nodes.Contains(n.Key)).Select(n => n.Value)],
            [.. nodes.Where(n => !wantedNodes.ContainsKey(n)).Order(StringComparer.Ordinal)],
            [.. wantedServices.Where(s => services.GetValueOrDefault(s.Key) != size.Form).Select(s => s.Value)],
            [.. services.Where(s => !wantedServices.ContainsKey(s.Key) || s.Value != size.Form).Select(s => s.Key).Order(StringComparer.Ordinal)]);
    }
}
