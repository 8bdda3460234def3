namespace Portolan.Commands;

/// <summary>Shows how far long work is: one line that changes on a terminal, a line for each change in a pipe.</summary>
internal sealed class Progress(TextWriter output, bool isTerminal)
{
    private string _shown = "";

    public static Progress OnStandardError() => new(Console.Error, !Console.IsErrorRedirected);

    /// <summary>This is happening now.</summary>
    public void Now(string what)
    {
        if (what == _shown)
            return;
        _shown = what;
        if (isTerminal)
            output.Write($"\r\e[K{what}");
        else
            output.WriteLine(what);
    }

    /// <summary>It is done, with this result.</summary>
    public void Done(string result)
    {
        Clear();
        output.WriteLine(result);
    }

    /// <summary>Takes the changing line away before something else is printed.</summary>
    public void Clear()
    {
        if (isTerminal && _shown.Length > 0)
            output.Write("\r\e[K");
        _shown = "";
    }
}
