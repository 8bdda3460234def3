using System.Net;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>What the containers of one pod share, once it is known.</summary>
internal sealed class PodRuntime(Pod pod, Action changed)
{
    private volatile Pod _pod = pod;

    /// <summary>The latest version that the API has shown.</summary>
    public Pod Pod
    {
        get => _pod;
        set => _pod = value;
    }

    public required string Cgroup { get; init; }
    public required string DiskDirectory { get; init; }
    public required string MemoryDirectory { get; init; }
    public required PodVolumes Volumes { get; init; }

    public IPAddress? Address { get; set; }
    public string NetworkNamespace { get; set; } = "";

    /// <summary>Cancelled when the grace period is over: what still runs is killed.</summary>
    public CancellationTokenSource Kill { get; } = new();

    /// <summary>Something that the pod's status shows has changed.</summary>
    public void Changed() => changed();
}
