using System.Diagnostics;

namespace Portolan.Lab.Commands;

/// <summary>Long work shows itself: a live line on a terminal, plain lines in a pipe.</summary>
internal sealed class Progress(TextWriter output, bool live, bool silent = false)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private string _current = "";

    public static Progress OnStandardError(bool silent) => new(Console.Error, !Console.IsErrorRedirected, silent);

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>What is being waited for now.</summary>
    public void Now(string text)
    {
        if (silent || text == _current)
            return;
        _current = text;
        if (live)
            output.Write($"\r\e[K{Elapsed.TotalSeconds,5:F1} s  {text} …");
        else
            output.WriteLine($"{Elapsed.TotalSeconds,5:F1} s  {text}");
        output.Flush();
    }

    /// <summary>What has been reached.</summary>
    public void Done(string text)
    {
        var said = !live && text == _current;
        _current = "";
        if (silent || said)
            return;
        output.WriteLine($"{(live ? "\r\e[K" : "")}{Elapsed.TotalSeconds,5:F1} s  {text}");
    }

    /// <summary>Leaves the live line behind, for what is printed next.</summary>
    public void Break()
    {
        if (live && _current.Length > 0 && !silent)
            output.WriteLine();
        _current = "";
    }
}
