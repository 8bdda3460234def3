using System.CommandLine;
using System.Runtime.InteropServices;
using Portolan.Hosting;

namespace Portolan.Commands;

/// <summary>
/// <c>portolan lab …</c> becomes <c>portolan-lab …</c>. The process is replaced, not wrapped: the terminal, its signals and its size
/// belong to the lab's process, and its exit code reaches the shell unchanged.
/// </summary>
internal static partial class LabCommand
{
    private const string Executable = "portolan-lab";

    /// <summary>The entry in the help text; the arguments themselves never come through the parser.</summary>
    public static Command Create()
    {
        var command = new Command("lab", "Make and drive a small cluster on this machine (portolan lab --help).")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.SetAction(parse => Replace([.. parse.UnmatchedTokens]));
        return command;
    }

    /// <summary>Replaces this process; returns an exit code only when that was not possible.</summary>
    public static int Replace(string[] arguments)
    {
        var directories = Directories().ToList();
        var path = directories.Select(directory => Path.Combine(directory, Executable)).FirstOrDefault(File.Exists);
        if (path is null)
        {
            Console.Error.WriteLine($"portolan lab: {Executable} is not in {string.Join(" or ", directories)}. "
                + "The lab is an executable of its own: put it beside portolan, or name its directory in PORTOLAN_BIN.");
            return ExitCode.NotWell;
        }

        // Its help names the command as people type it, which is what it finds in argv[0]. The array ends with a null pointer, as execv wants it.
        _ = Execv(path, ["portolan lab", .. arguments, null]);
        Console.Error.WriteLine($"portolan lab: cannot run {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        return ExitCode.NotWell;
    }

    private static IEnumerable<string> Directories()
    {
        if (Environment.GetEnvironmentVariable("PORTOLAN_BIN") is { Length: > 0 } named)
            yield return named;
        else
            yield return Path.GetDirectoryName(Environment.ProcessPath) is { Length: > 0 } beside ? beside : AppContext.BaseDirectory;
    }

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execv(string path, string?[] arguments);
}
