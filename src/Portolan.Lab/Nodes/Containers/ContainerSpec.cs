using System.Text.Json.Serialization;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>A file written into the container's own layer before it starts.</summary>
internal sealed record ContainerFile(string Path, string Content);

/// <summary>A file or directory of the machine shown inside the container.</summary>
/// <param name="Source">An absolute path of the machine.</param>
/// <param name="Target">An absolute path of the container; made if it is not there.</param>
/// <param name="ReadOnly">The container cannot write to it.</param>
/// <param name="SubPath">Below <paramref name="Source"/>, which a container may fill with links: they are followed as if the source were the root.</param>
/// <param name="Create">Directories of the sub-path that are missing are made.</param>
internal sealed record ContainerMount(string Source, string Target, bool ReadOnly, string? SubPath = null, bool Create = false);

/// <summary>What a process in a container is: shared by the container's first process and by those that <c>exec</c> adds.</summary>
internal sealed record ProcessSpec
{
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary><c>NAME=value</c>.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    public string WorkingDirectory { get; init; } = "/";
    public uint User { get; init; }
    public uint Group { get; init; }
    public IReadOnlyList<uint> SupplementalGroups { get; init; } = [];
    public ulong Capabilities { get; init; } = Containers.Capabilities.Usual;

    /// <summary>Standard input, output and error are one pseudo-terminal.</summary>
    public bool Terminal { get; init; }

    /// <summary>Standard input stays open; otherwise it is /dev/null.</summary>
    public bool Stdin { get; init; }
}

/// <summary>What <c>portolan-lab container-init</c> reads: the root file system to make, then the process to become.</summary>
internal sealed record ContainerSpec
{
    /// <summary>An existing, empty directory of the machine: in the container's mount namespace its layer is mounted there.</summary>
    public required string WorkDirectory { get; init; }

    public required string Hostname { get; init; }
    public IReadOnlyList<ContainerFile> Files { get; init; } = [];
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];
    public bool ReadOnlyRoot { get; init; }

    /// <summary>/proc/sys/net is writable: it belongs to the pod's network namespace, and a proxy must set it.</summary>
    public bool WritableNetworkSettings { get; init; }

    public required ProcessSpec Process { get; init; }
}

/// <summary>What <c>portolan-lab container-exec</c> is given: a running container and one more process for it.</summary>
/// <param name="ContainerPid">The container's first process, as the machine numbers it.</param>
/// <param name="TerminalNumber">N of the container's /dev/pts/N, when <see cref="ProcessSpec.Terminal"/>.</param>
/// <param name="Process">The process.</param>
internal sealed record ExecSpec(int ContainerPid, int TerminalNumber, ProcessSpec Process);

[JsonSerializable(typeof(ContainerSpec))]
[JsonSerializable(typeof(ExecSpec))]
internal sealed partial class ContainerJson : JsonSerializerContext;
