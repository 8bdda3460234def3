using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Addresses;

/// <summary>An IPAddressPool (metallb.io/v1beta1) as it is written, not yet checked.</summary>
public sealed record AddressPoolSpec : ConfigurationSpec
{
    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.IPAddressPool;

    /// <summary><c>metadata.labels</c>, which advertisements select by.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary><c>spec.addresses</c>.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary><c>spec.autoAssign</c>.</summary>
    public bool AutoAssign { get; init; } = true;

    /// <summary><c>spec.avoidBuggyIPs</c>.</summary>
    public bool AvoidBuggyIPs { get; init; }

    /// <summary><c>spec.serviceAllocation.priority</c>: lower first, 0 last.</summary>
    public int Priority { get; init; }

    /// <summary><c>spec.serviceAllocation.namespaces</c>.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary><c>spec.serviceAllocation.namespaceSelectors</c>.</summary>
    public IReadOnlyList<LabelSelector> NamespaceSelectors { get; init; } = [];

    /// <summary><c>spec.serviceAllocation.serviceSelectors</c>.</summary>
    public IReadOnlyList<LabelSelector> ServiceSelectors { get; init; } = [];
}
