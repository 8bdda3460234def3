using System.CommandLine;
using System.Runtime;
using Microsoft.Extensions.Logging;
using Portolan.Commands;
using Portolan.Hosting;
using Portolan.Proxy.Programmed;

namespace Portolan.Bfd;

/// <summary><c>portolan bfd</c>: holds BFD sessions for the speaker of its pod, and nothing else.</summary>
internal static class BfdCommand
{
    /// <summary>The socket where speaker and bfd process meet, unless told otherwise.</summary>
    public const string DefaultSocket = "/run/portolan/bfd.sock";

    public static Command Create()
    {
        var socket = new Option<string>("--socket")
        {
            Description = "Unix socket that the speaker comes to (PORTOLAN_BFD_SOCKET).",
            DefaultValueFactory = _ => RoleOptions.FromEnvironment("PORTOLAN_BFD_SOCKET", DefaultSocket),
        };
        socket.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } path && !SocketFile.IsPossible(path))
                result.AddError($"--socket: '{path}' is not the full path of a socket (107 bytes at most)");
        });
        var level = RoleOptions.LogLevelOption();
        var command = new Command("bfd", "Hold BFD sessions (RFC 5880, 5881, 5883) for the speaker beside it.") { socket, level };
        command.SetAction((parse, stop) => RunAsync(parse.GetValue(socket)!, LogVerbosity.Parse(parse.GetValue(level)!), stop));
        return command;
    }

    private static async Task<int> RunAsync(string path, LogLevel minimum, CancellationToken stop)
    {
        using var logs = new JsonLineLogs(Console.OpenStandardOutput(), minimum, TimeProvider.System);
        var log = new QueuedLog(logs.CreateLogger("Bfd"));
        var writing = log.WriteAsync();
        log.LogInformation("starting bfd {Version}, {Socket}", VersionCommand.Version, path);
        // Nothing is allocated while sessions are up; should it be, the older generations are left alone while there is memory.
        GCSettings.LatencyMode = GCLatencyMode.LowLatency;
        using var process = new BfdProcess(path, log);
        try
        {
            await process.RunAsync(stop);
            log.LogInformation("stopped");
            return ExitCode.Done;
        }
        catch (IOException failure)
        {
            log.LogError("{Failure}", failure.Message);
            return ExitCode.NotWell;
        }
        finally
        {
            log.Complete();
            await writing;
        }
    }
}
