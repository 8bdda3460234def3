using System.CommandLine;

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
    }

    private static string CommandName(ParseResult parsed)
    {
        var name = parsed.CommandResult.Command.Name;
        return parsed.CommandResult.Command is RootCommand ? "portolan lab" : $"portolan lab {name}";
    }
}
