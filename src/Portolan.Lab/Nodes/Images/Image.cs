using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Images;

/// <summary>What an image comes down to in the lab: a program of the machine.</summary>
/// <param name="Name">As the catalogue lists it.</param>
/// <param name="Entrypoint">Replaced by a container's <c>command</c>.</param>
/// <param name="Command">Replaced by a container's <c>args</c>.</param>
internal sealed record Image(string Name, IReadOnlyList<string> Entrypoint, IReadOnlyList<string> Command)
{
    /// <summary>By name; a container's own <c>env</c> wins.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Programs that a container's root does not show, put where it does.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    /// <summary>The arguments a container starts with: Kubernetes' rule for <c>command</c> and <c>args</c> over ENTRYPOINT and CMD.</summary>
    public IReadOnlyList<string> Arguments(IReadOnlyList<string>? command, IReadOnlyList<string>? args) =>
        command is { Count: > 0 } ? [.. command, .. args ?? []] : [.. Entrypoint, .. args is { Count: > 0 } ? args : Command];
}
