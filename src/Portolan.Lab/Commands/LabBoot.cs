using System.Diagnostics;

using Portolan.Lab.Network;
using Portolan.Lab.Pki;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Makes a lab's files, wires and supervisor. What Kubernetes does then is <see cref="LabSettling"/>'s business.</summary>
internal sealed class LabBoot(LabLayout layout, Topology topology, Progress progress)
{
    // In the lab's cgroup before it is the supervisor; standard output goes to the log, and descriptor 3 is the pipe that tells when it is ready.
    private const string Launcher = """echo 0 > "$0/cgroup.procs" && log=$1 && shift && exec 3>&1 >>"$log" 2>&1 </dev/null && exec setsid "$@" --ready-fd 3""";

    /// <summary>A new lab, from nothing.</summary>
    public async Task CreateAsync(LabSpec spec, CancellationToken cancel)
    {
        Directory.CreateDirectory(layout.StateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        Directory.CreateDirectory(layout.LogDirectory);
        LabPki.Create(layout, topology, TimeProvider.System.GetUtcNow());
        if (spec.HasBgp)
            await File.WriteAllTextAsync(layout.RouterConfiguration, RouterConfiguration.Of(topology), cancel).ConfigureAwait(false);
        spec.Write(layout);
        await ConnectAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Wires and supervisor for a lab whose files are there: after a crash of the supervisor or of the machine the store is as it was.</summary>
    public async Task ConnectAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(layout.RunDirectory);
        JoinCgroup();
        progress.Now($"laying the wires of {topology.Hosts.Count} hosts");
        await new LabNetwork(layout, topology).CreateAsync(cancel).ConfigureAwait(false);
        progress.Done($"{topology.Hosts.Count} hosts on 192.168.100.0/24: {string.Join(", ", topology.Hosts.Select(h => h.Name))}");
        await StartSupervisorAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// From here on this process is part of the lab: should it be killed, what it has started (an <c>ip</c> that is still making
    /// namespaces) is found and ended by <c>down</c>.
    /// </summary>
    private void JoinCgroup()
    {
        var cgroup = Path.Combine(layout.Cgroup, "up");
        Directory.CreateDirectory(cgroup);
        File.WriteAllText(Path.Combine(cgroup, "cgroup.procs"), "0");
    }

    private async Task StartSupervisorAsync(CancellationToken cancel)
    {
        var cgroup = Path.Combine(layout.Cgroup, "supervisor");
        Directory.CreateDirectory(cgroup);
        using var launched = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Launcher, cgroup, layout.Log("supervisor"), Executables.Lab, "supervise", "--name", layout.Name])
        {
            RedirectStandardOutput = true,
        })!;
        // The pipe closes when the supervisor has said so, or has died.
        if (await launched.StandardOutput.ReadLineAsync(cancel).ConfigureAwait(false) != "ready")
            throw new LabException($"the lab's supervisor did not start:\n{LogTail.Of(layout.Log("supervisor"))}");
    }
}
