using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>
/// A lab in a virtual machine, for kernels that lack what it needs. The machine is the script <c>vm.sh</c>, which this program carries: it sees this machine's
/// files, so this very program runs there, and it is gone with the command that it was made for.
/// </summary>
internal static class VirtualMachine
{
    private const string Limit = "PORTOLAN_VM_SECONDS";
    private const string Cache = "PORTOLAN_VM_CACHE";

    // Standard output is the command's alone.
    private const string Inside = """
        "$0" up {0} >&2 || exit
        KUBECONFIG=$("$0" kubeconfig --name {1}) || exit
        export KUBECONFIG PATH=$(dirname "$0"):$PATH
        exec "$@"
        """;

    // An emulated processor is many times slower, and what is waited for comes all the same.
    private static readonly string[] s_patience = ["--timeout", "900"];
    private static readonly string[] s_grace = ["--node-monitor-grace-period", "40"];

    /// <summary>The arguments of <c>lab up</c> in the machine, from those it was given here.</summary>
    /// <param name="given">Options and their values, which this command has parsed: words without blanks or quotes.</param>
    public static string[] Options(IReadOnlyCollection<string> given) =>
        [.. given.Where(word => word != "--vm"), .. given.Contains(s_patience[0]) ? [] : s_patience, .. given.Contains(s_grace[0]) ? [] : s_grace];

    /// <summary>This process becomes the machine, with the lab in it and the command run there.</summary>
    /// <param name="options">Of <c>lab up</c>.</param>
    /// <param name="name">The lab's.</param>
    /// <param name="command">The command; none: a shell on this terminal.</param>
    /// <returns>Why that was not possible.</returns>
    /// <exception cref="LabException">There is neither a command nor a terminal.</exception>
    public static LabException Become(IEnumerable<string> options, string name, IReadOnlyCollection<string> command)
    {
        var onTerminal = command.Count == 0;
        if (onTerminal && (Console.IsInputRedirected || Console.IsOutputRedirected))
            throw new LabException("a lab in a virtual machine ends with the command it is made for: portolan lab up --vm -- COMMAND", CommandLine.WrongUsage);

        var script = WriteScript();
        Default(Limit, onTerminal ? "0" : "1800");
        var bin = Environment.GetEnvironmentVariable("PORTOLAN_BIN") is { Length: > 0 } named ? (string[])["env", $"PORTOLAN_BIN={named}"] : [];
        var inside = Inside.Replace("{0}", string.Join(' ', options), StringComparison.Ordinal).Replace("{1}", name, StringComparison.Ordinal);
        string[] terminal = onTerminal ? ["-t"] : [];
        var run = onTerminal ? ["bash", "-i"] : command;
        return new LabException(NativeMethods.Become("bash", [script, .. terminal, .. bin, "bash", "-c", inside, Executables.Lab, .. run]));
    }

    private static string WriteScript()
    {
        Default(Cache, Path.Combine(Home(), "portolan", "vm"));
        var directory = Environment.GetEnvironmentVariable(Cache)!;
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "vm.sh");

        // A shell reads its script as it goes: one that is running keeps the file it began with.
        var temporary = $"{path}.{Environment.ProcessId}";
        using (var carried = typeof(VirtualMachine).Assembly.GetManifestResourceStream("vm.sh")!)
        using (var file = File.Create(temporary))
            carried.CopyTo(file);
        File.Move(temporary, path, overwrite: true);
        return path;
    }

    private static string Home() => Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named
        ? named
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

    private static void Default(string variable, string value)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 })
            Environment.SetEnvironmentVariable(variable, value);
    }
}
