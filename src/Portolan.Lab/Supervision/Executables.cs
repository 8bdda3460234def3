using Portolan.Lab.Commands;

namespace Portolan.Lab.Supervision;

/// <summary>The programs of a lab: the two of the project, found beside the one that runs, or in <c>$PORTOLAN_BIN</c>, and the router's.</summary>
internal static class Executables
{
    public static string Lab { get; } = Environment.ProcessPath ?? throw new InvalidOperationException("this process does not know its own program");

    public static string LabDirectory => Path.GetDirectoryName(Lab)!;

    /// <exception cref="LabException">It is not there.</exception>
    public static string Portolan => Find("portolan");

    /// <summary>The routing daemon of the lab's router.</summary>
    /// <exception cref="LabException">It is not there.</exception>
    public static string Bird => ((string[])["/usr/sbin/bird", "/usr/bin/bird", "/usr/local/sbin/bird"]).FirstOrDefault(File.Exists)
        ?? throw new LabException("a lab with BGP has BIRD on its router, and this machine has none: apt-get install bird2");

    private static string Find(string name)
    {
        List<string> directories = [LabDirectory];
        if (Environment.GetEnvironmentVariable("PORTOLAN_BIN") is { Length: > 0 } named)
            directories.Insert(0, named);
        return directories.Select(d => Path.Combine(d, name)).FirstOrDefault(File.Exists)
            ?? throw new LabException($"the program '{name}' is not in {string.Join(" or ", directories)}: build it, or set PORTOLAN_BIN to its directory");
    }
}
