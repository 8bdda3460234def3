using Portolan.Core.Addresses;

namespace Portolan.Core.Cluster;

/// <summary>One endpoint of an EndpointSlice: its first address, as every proxy reads it.</summary>
public sealed record EndpointFacts
{
    /// <summary>The endpoint's address.</summary>
    public required IpAddress Address { get; init; }

    /// <summary><c>conditions.ready</c>; absent means true.</summary>
    public bool Ready { get; init; } = true;

    /// <summary><c>conditions.serving</c>; absent means true.</summary>
    public bool Serving { get; init; } = true;

    /// <summary><c>conditions.terminating</c>; absent means false.</summary>
    public bool Terminating { get; init; }

    /// <summary><c>nodeName</c>, or empty.</summary>
    public string NodeName { get; init; } = "";

    /// <summary><c>zone</c>, or empty.</summary>
    public string Zone { get; init; } = "";

    /// <summary><c>hints.forZones</c>.</summary>
    public IReadOnlyList<string> ZoneHints { get; init; } = [];

    /// <summary><c>hints.forNodes</c>.</summary>
    public IReadOnlyList<string> NodeHints { get; init; } = [];
}

/// <summary>One <c>ports</c> entry of an EndpointSlice with a number.</summary>
/// <param name="Name">Matches <see cref="ServicePort.Name"/>.</param>
/// <param name="Protocol">The layer-4 protocol.</param>
/// <param name="Port">1..65535.</param>
public readonly record struct EndpointPort(string Name, Protocol Protocol, ushort Port);

/// <summary>One EndpointSlice (discovery.k8s.io/v1): every endpoint serves every port.</summary>
public sealed record EndpointSliceFacts
{
    /// <summary>Namespace and name of the slice.</summary>
    public required ObjectKey Key { get; init; }

    /// <summary>The Service the slice belongs to (label <c>kubernetes.io/service-name</c>).</summary>
    public required ObjectKey Service { get; init; }

    /// <summary><c>addressType</c>.</summary>
    public IpFamily Family { get; init; } = IpFamily.IPv4;

    /// <summary>The endpoints.</summary>
    public IReadOnlyList<EndpointFacts> Endpoints { get; init; } = [];

    /// <summary>The ports.</summary>
    public IReadOnlyList<EndpointPort> Ports { get; init; } = [];

    /// <summary>
    /// When the pods or the Service last changed in a way that changed the slice (annotation
    /// <c>endpoints.kubernetes.io/last-change-trigger-time</c>), or null.
    /// </summary>
    public DateTimeOffset? LastChangeTrigger { get; init; }
}
