namespace Portolan.Lab.Commands;

/// <summary>A failure that a person can act on: the message is all they see, no stack trace.</summary>
internal sealed class LabException(string message, int exitCode = CommandLine.NotWell) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
