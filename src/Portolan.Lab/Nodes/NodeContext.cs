using Microsoft.Extensions.Logging;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Nodes.Images;
using Portolan.Lab.Nodes.Networking;
using Portolan.Lab.Nodes.Pods;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Nodes;

/// <summary>Where a node keeps what.</summary>
/// <param name="PodsCgroup">Every process of every pod is below it.</param>
/// <param name="Disk">Logs and what pods write.</param>
/// <param name="Memory">Secrets, and directories that containers mount over.</param>
internal sealed record NodePaths(string PodsCgroup, string Disk, string Memory)
{
    public static NodePaths Of(LabLayout layout, string node) =>
        new(Path.Combine(layout.HostCgroup(node), "pods"), layout.NodeDirectory(node), Path.Combine(layout.RunDirectory, "nodes", node));

    /// <summary>What <c>hostPath</c> volumes show.</summary>
    public string Host => Path.Combine(Disk, "host");

    public string PodsOnDisk => Path.Combine(Disk, "pods");
}

/// <summary>What every pod of a node shares.</summary>
internal sealed record NodeContext(
    NodeFigures Figures,
    NodePaths Paths,
    string NetworkNamespace,
    string LabExecutable,
    KubeClient Client,
    ImageCatalogue Images,
    PodNetwork Network,
    ClusterObjects Cluster,
    EventRecorder Events,
    TimeProvider Time,
    ILogger Logger);
