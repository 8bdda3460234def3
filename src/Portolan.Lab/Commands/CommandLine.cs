using System.CommandLine;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Exit codes are a contract: 0 done, 1 the thing asked about is not well, 2 wrong usage.</summary>
internal static class CommandLine
{
    public const int Done = 0;
    public const int NotWell = 1;
    public const int WrongUsage = 2;

    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                Console.Error.WriteLine(error.Message);
            Console.Error.WriteLine($"See '{CommandName(parsed)} --help'.");
            return WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        }
        catch (LabException failure)
        {
            Console.Error.WriteLine($"portolan lab: {failure.Message}");
            return failure.ExitCode;
        }
        catch (Exception failure) when (failure is KubeApiException or HttpRequestException or ToolFailedException or UnauthorizedAccessException)
        {
            // The world said no: its words are what a person needs. What is our own mistake keeps its stack trace.
            Console.Error.WriteLine($"portolan lab: {failure.Message}");
            return NotWell;
        }
    }

    private static string CommandName(ParseResult parsed)
    {
        var name = parsed.CommandResult.Command.Name;
        return parsed.CommandResult.Command is RootCommand ? "portolan lab" : $"portolan lab {name}";
    }
}
