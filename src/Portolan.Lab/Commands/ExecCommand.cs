using System.CommandLine;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Runs a program on a host. This process becomes the program: terminal, signals and exit code are its own.</summary>
internal static class ExecCommand
{
    public static Command Create()
    {
        var (name, host) = (LabOptions.Name(), LabOptions.Host());
        var words = new Argument<string[]>("command") { Description = "The program and its arguments, after --", Arity = ArgumentArity.OneOrMore };
        var command = new Command("exec", "Run a program on a host: portolan lab exec client -- curl 192.168.100.240") { name, host, words };
        command.SetAction(async Task<int> (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            var (_, found) = LabOptions.Find(layout, parsed.GetValue(host)!);
            var path = LabLayout.NamespacePath(layout.Namespace(found.Name));
            if (!File.Exists(path))
                throw new LabException($"{found.Name} is not there: portolan lab up makes the lab whole");

            var faults = (await SupervisorClient.TryAskAsync(layout, new ControlRequest("status"), cancel).ConfigureAwait(false))?.Faults;
            if (faults?.Off.Contains(found.Name) == true)
                throw new LabException($"{found.Name} is without power: portolan lab start {found.Name}");
            if (faults?.Frozen.Contains(found.Name) == true)
                throw new LabException($"{found.Name} is frozen, and what is started there would be too: portolan lab thaw {found.Name}");

            // In the host's cgroup, so that the host's end is this program's end too.
            var cgroup = Path.Combine(layout.HostCgroup(found.Name), "exec");
            Directory.CreateDirectory(cgroup);
            File.WriteAllText(Path.Combine(cgroup, "cgroup.procs"), "0");

            Environment.SetEnvironmentVariable("PATH", $"{Executables.LabDirectory}:{Environment.GetEnvironmentVariable("PATH")}");
            Environment.SetEnvironmentVariable("KUBECONFIG", layout.Kubeconfig(found.IsNode ? found.Name : "inside"));
            Environment.SetEnvironmentVariable("PORTOLAN_NODE_NAME", found.IsNode ? found.Name : null);
            throw new LabException(NativeMethods.Become("nsenter", [$"--net={path}", "--", .. parsed.GetValue(words)!]));
        });
        return command;
    }
}
