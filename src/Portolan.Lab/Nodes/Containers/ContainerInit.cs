using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

using static Portolan.Lab.Nodes.Containers.NativeMethods;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>
/// The first process of a container before it is the container's program: makes the root, gives up privileges, becomes the program.
/// It talks with the node agent over standard error, one line at a time, before the program runs:
/// <c>terminal?</c> asks for the number of a pseudo-terminal (answered on standard input), <c>started</c> says the program comes next, <c>error: …</c> why not.
/// </summary>
internal static unsafe class ContainerInit
{
    public const string TerminalQuestion = "terminal?";
    public const string Started = "started";
    public const string ErrorPrefix = "error: ";

    /// <summary>The exit status of a container that never ran its program.</summary>
    public const int SetupFailed = 128;

    /// <summary>Returns only when the container could not be made.</summary>
    public static int Run(string specPath, bool isSealed)
    {
        try
        {
            if (!isSealed)
                SealedExecutable.Restart(["container-init", specPath, "--sealed"]);
            var spec = JsonSerializer.Deserialize(File.ReadAllBytes(specPath), ContainerJson.Default.ContainerSpec)!;
            RootFileSystem.Enter(spec);
            var terminal = 0;
            if (spec.Process.Terminal)
            {
                Say(TerminalQuestion);
                terminal = ReadNumber();
            }
            Become(spec.Process, terminal);
        }
        catch (Exception failure) when (failure is SystemCallException or IOException or UnauthorizedAccessException or JsonException)
        {
            Say(ErrorPrefix + failure.Message);
        }
        return SetupFailed;
    }

    /// <summary>Joins a running container and becomes a process of it. The caller is already in its network, uts, ipc and pid namespaces.</summary>
    public static int RunExec(string specJson, bool isSealed)
    {
        try
        {
            if (!isSealed)
            {
                SystemCall.Check(unshare(CloneNewns), "unshare the mount namespace");
                SealedExecutable.Restart(["container-exec", specJson, "--sealed"]);
            }
            var spec = JsonSerializer.Deserialize(specJson, ContainerJson.Default.ExecSpec)!;
            // A process whose threads share a root cannot change mount namespace; this thread gets its own, and takes it along through execve.
            SystemCall.Check(unshare(CloneFs), "unshare the root");
            var path = $"/proc/{spec.ContainerPid}/ns/mnt";
            var descriptor = SystemCall.Check(open(path, ORdonly | OCloexec, 0), $"open {path}");
            SystemCall.Check(setns(descriptor, CloneNewns), "join the container's mount namespace");
            Become(spec.Process, spec.TerminalNumber);
        }
        catch (Exception failure) when (failure is SystemCallException or IOException or UnauthorizedAccessException or JsonException)
        {
            Say(ErrorPrefix + failure.Message);
        }
        return SetupFailed;
    }

    private static void Become(ProcessSpec process, int terminal)
    {
        var program = FindProgram(process);
        using var image = new ProcessImage(program, process.Arguments, process.Environment);
        Say(Started);
        SystemCall.Check(setsid(), "setsid");
        if (process.Terminal)
        {
            var path = $"/dev/pts/{terminal}";
            var descriptor = SystemCall.Check(open(path, ORdwr, 0), $"open {path}");
            SystemCall.Check(ioctl(descriptor, TiocSctty, 0), "take the terminal");
            _ = chown(path, process.User, 5);
            for (var standard = 0; standard < 3; standard++)
                SystemCall.Check(dup2(descriptor, standard), "dup2");
        }
        else if (!process.Stdin)
        {
            SystemCall.Check(dup2(SystemCall.Check(open("/dev/null", ORdonly, 0), "open /dev/null"), 0), "dup2");
        }
        // Nothing of the machine may be open in the program: a descriptor of a directory outside would be a way out. Closing now would be
        // safer still, but a just-in-time runtime needs its own descriptors to the last; the check of the working directory makes up for it.
        SystemCall.Check(close_range(3, uint.MaxValue, CloseRangeCloexec), "close_range");
        GiveUpPrivileges(process);
        SystemCall.Check(chdir(process.WorkingDirectory), $"chdir to the working directory {process.WorkingDirectory}");
        var here = stackalloc byte[4096];
        if (getcwd(here, 4096) is null || here[0] != (byte)'/')
            throw new SystemCallException($"the working directory {process.WorkingDirectory} is outside the container", SystemCall.EACCES);
        // A container's process must not outlive the one that waits for it.
        SystemCall.Check(prctl(PrSetPdeathsig, SigKill, 0, 0, 0), "set the parent-death signal");
        image.Execute();
        var error = Marshal.GetLastPInvokeError();
        Say($"exec {program}: {new System.ComponentModel.Win32Exception(error).Message}");
        _exit(error == SystemCall.ENOENT ? 127 : 126);
    }

    private static void GiveUpPrivileges(ProcessSpec process)
    {
        var set = process.Capabilities & Capabilities.Held();
        for (var capability = 0; capability <= Capabilities.Last; capability++)
            // Above the running kernel's last capability the answer is EINVAL: there is nothing to drop.
            if ((set & 1UL << capability) == 0 && prctl(PrCapbsetDrop, (nuint)capability, 0, 0, 0) != 0 && Marshal.GetLastPInvokeError() != SystemCall.EINVAL)
                throw new SystemCallException($"drop capability {capability}", Marshal.GetLastPInvokeError());
        _ = prctl(PrCapAmbient, PrCapAmbientClearAll, 0, 0, 0);

        var groups = stackalloc uint[process.SupplementalGroups.Count + 1];
        for (var i = 0; i < process.SupplementalGroups.Count; i++)
            groups[i] = process.SupplementalGroups[i];
        SystemCall.Check(setgroups((nuint)process.SupplementalGroups.Count, groups), "setgroups");
        SystemCall.Check(setresgid(process.Group, process.Group, process.Group), "setresgid");
        SystemCall.Check(setresuid(process.User, process.User, process.User), "setresuid");
        SystemCall.Check(prctl(PrSetNoNewPrivs, 1, 0, 0, 0), "no_new_privs");

        // _LINUX_CAPABILITY_VERSION_3: two 32-bit words of effective, permitted, inheritable.
        var header = stackalloc uint[2] { 0x20080522, 0 };
        var held = process.User == 0 ? set : 0;
        var data = stackalloc uint[6] { (uint)held, (uint)held, 0, (uint)(held >> 32), (uint)(held >> 32), 0 };
        SystemCall.Check(capset(header, data), "capset");
    }

    private static string FindProgram(ProcessSpec process)
    {
        var name = process.Arguments[0];
        if (name.Contains('/'))
        {
            var full = Path.IsPathRooted(name) ? name : Path.Combine(process.WorkingDirectory, name);
            return access(full, 1) == 0 && !Directory.Exists(full) ? full
                : throw new IOException($"exec: \"{name}\": {(Path.Exists(full) ? "permission denied" : "stat " + name + ": no such file or directory")}");
        }
        var path = process.Environment.LastOrDefault(e => e.StartsWith("PATH=", StringComparison.Ordinal))?["PATH=".Length..] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        foreach (var directory in path.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var full = $"{directory}/{name}";
            if (access(full, 1) == 0 && !Directory.Exists(full))
                return full;
        }
        throw new IOException($"exec: \"{name}\": executable file not found in $PATH");
    }

    private static void Say(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line.ReplaceLineEndings(" ") + "\n");
        fixed (byte* start = bytes)
            _ = write(2, start, (nuint)bytes.Length);
    }

    /// <summary>Byte by byte: what follows the line belongs to the program.</summary>
    private static int ReadNumber()
    {
        var number = 0;
        byte next;
        while (read(0, &next, 1) == 1 && next != (byte)'\n')
            number = number * 10 + (next - '0');
        return number;
    }
}
