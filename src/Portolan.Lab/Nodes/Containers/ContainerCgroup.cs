using Portolan.Lab.Supervision;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>The processes of a container, held together by a version 2 cgroup: killing it forgets nobody.</summary>
internal sealed class ContainerCgroup(string path)
{
    public string Path { get; } = path;

    public void Create() => Directory.CreateDirectory(Path);

    /// <summary>The container's first process by the machine's numbers: the one that is 1 in its innermost pid namespace; 0 when there is none.</summary>
    public int FindInit()
    {
        foreach (var line in File.ReadLines(System.IO.Path.Combine(Path, "cgroup.procs")))
        {
            try
            {
                foreach (var status in File.ReadLines($"/proc/{line}/status"))
                {
                    if (!status.StartsWith("NSpid:", StringComparison.Ordinal))
                        continue;
                    var numbers = status["NSpid:".Length..].Split('\t', StringSplitOptions.RemoveEmptyEntries);
                    if (numbers.Length > 1 && numbers[^1] == "1")
                        return int.Parse(line);
                    break;
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // The process ended between the two reads.
            }
        }
        return 0;
    }

    /// <summary>Kills whatever is left, waits until it is gone, removes the group.</summary>
    public Task RemoveAsync(CancellationToken cancel) => Cgroups.RemoveAsync(Path, cancel);

    public Task KillAsync(CancellationToken cancel) => Cgroups.KillAsync(Path, cancel);
}
