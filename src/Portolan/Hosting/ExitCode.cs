namespace Portolan.Hosting;

/// <summary>The exit codes scripts rely on (DESIGN.md §4).</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The thing asked about, or asked for, is not well.</summary>
    public const int NotWell = 1;

    /// <summary>Wrong usage: nothing was attempted.</summary>
    public const int Usage = 2;
}
