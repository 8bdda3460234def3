using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Speaker;

/// <summary>What a status object says of a Service.</summary>
/// <param name="Node">Who announces it.</param>
/// <param name="Service">The Service.</param>
/// <param name="Values">On which interfaces, or to which peers.</param>
internal readonly record struct AnnouncementStatus(string Node, ObjectKey Service, IReadOnlyList<string> Values)
{
    /// <summary>The label with the node's name.</summary>
    public const string NodeLabel = "metallb.io/node";

    /// <summary>The label with the Service's name.</summary>
    public const string ServiceLabel = "metallb.io/service-name";

    /// <summary>The label with the Service's namespace.</summary>
    public const string NamespaceLabel = "metallb.io/service-namespace";
}

/// <summary>A kind of status object that speakers keep for the Services they announce.</summary>
/// <param name="Type">The resource.</param>
/// <param name="Prefix">Names begin with it.</param>
/// <param name="IsExclusive">One node announces a Service, so that it removes what others left.</param>
/// <param name="Read">What an object says; null: nothing yet.</param>
/// <param name="Make">An object; with a status, or null for none.</param>
internal sealed record AnnouncementStatusKind<T>(
    ResourceType<T> Type, string Prefix, bool IsExclusive, Func<T, AnnouncementStatus?> Read, Func<ObjectMeta, AnnouncementStatus?, T> Make)
    where T : class, IKubeObject;

/// <summary>The two kinds.</summary>
internal static class AnnouncementStatusKinds
{
    /// <summary>ServiceL2Status: the announcing node and its interfaces.</summary>
    public static AnnouncementStatusKind<ServiceL2Status> Layer2 { get; } = new(
        Kinds.ServiceL2Statuses,
        "l2-",
        IsExclusive: true,
        stored => stored.Status is { Node: { } node } status
            ? new AnnouncementStatus(node, new ObjectKey(status.ServiceNamespace ?? "", status.ServiceName ?? ""), [.. (status.Interfaces ?? []).Select(entry => entry.Name ?? "")])
            : null,
        (metadata, status) => new ServiceL2Status
        {
            Metadata = metadata,
            Spec = status is null ? new EmptySpec() : null,
            Status = status is not { } said ? null : new ServiceL2StatusStatus
            {
                Node = said.Node,
                ServiceName = said.Service.Name,
                ServiceNamespace = said.Service.Namespace,
                Interfaces = said.Values.Count == 0 ? null : [.. said.Values.Select(name => new NameReference { Name = name })],
            },
        });

    /// <summary>ServiceBGPStatus: an announcing node and the peers that it announces to.</summary>
    public static AnnouncementStatusKind<ServiceBGPStatus> Bgp { get; } = new(
        Kinds.ServiceBGPStatuses,
        "bgp-",
        IsExclusive: false,
        stored => stored.Status is { Node: { } node } status
            ? new AnnouncementStatus(node, new ObjectKey(status.ServiceNamespace ?? "", status.ServiceName ?? ""), status.Peers ?? [])
            : null,
        (metadata, status) => new ServiceBGPStatus
        {
            Metadata = metadata,
            Spec = status is null ? new EmptySpec() : null,
            Status = status is not { } said ? null : new ServiceBGPStatusStatus
            {
                Node = said.Node,
                ServiceName = said.Service.Name,
                ServiceNamespace = said.Service.Namespace,
                Peers = said.Values.Count == 0 ? null : [.. said.Values],
            },
        });
}
