using Portolan.Commands;
using Portolan.Hosting;

// The lab is another executable with a command line of its own: nothing of it is parsed here, not even --help.
if (args is ["lab", .. var labArguments])
    return LabCommand.Replace(labArguments);

using var signals = new ShutdownSignals();
var parsed = CommandTree.Create().Parse(args);
var exitCode = await parsed.InvokeAsync(
    new() { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false },
    signals.Stopping);
return parsed.Errors.Count > 0 ? ExitCode.Usage : exitCode;
