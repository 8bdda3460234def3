using System.Diagnostics;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>How the helper programs are started: into the container's cgroup first, so that nothing can be missed when it is killed.</summary>
internal static class ContainerLaunch
{
    private const string EnterCgroup = """echo 0 > "$0/cgroup.procs" && exec "$@" """;

    /// <summary>
    /// The process that waits: <c>unshare --fork</c> would do, but util-linux 2.38 forgets the signal that ended its child. The shell's own "Killed" goes nowhere,
    /// the program's standard error stays where it was.
    /// </summary>
    private const string WaitForProgram = """exec 3>&2 2>/dev/null; "$@" 2>&3 3>&-; exit $? """;

    public static Process StartInit(string labExecutable, string cgroup, string networkNamespace, string specPath) => Start(cgroup,
        ["nsenter", $"--net={networkNamespace}", "--", "unshare", "--pid", "--mount", "--uts", "--ipc", "--", "/bin/sh", "-c", WaitForProgram, "wait",
            labExecutable, "container-init", specPath]);

    public static Process StartExec(string labExecutable, string cgroup, int containerPid, string specJson) => Start(cgroup,
        ["nsenter", $"--target={containerPid}", "--net", "--uts", "--ipc", "--pid", "--", labExecutable, "container-exec", specJson]);

    private static Process Start(string cgroup, IEnumerable<string> command) =>
        Process.Start(new ProcessStartInfo("/bin/sh", ["-c", EnterCgroup, cgroup, .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        }) ?? throw new InvalidOperationException("no process was started");
}
