using System.CommandLine;
using Portolan.Proxy.Configuration;

namespace Portolan.Tests.Proxy.Configuration;

/// <summary>Options as the command makes them of a command line and of a file.</summary>
internal static class OptionsFixture
{
    internal const string Header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

    internal static OptionsReading FromFlags(params string[] arguments)
    {
        var (flags, parse) = Parse(arguments);
        Assert.Empty(parse.Errors);
        return flags.Read(parse);
    }

    internal static (ProxyFlags Flags, ParseResult Parse) Parse(params string[] arguments)
    {
        var flags = new ProxyFlags();
        var command = new RootCommand();
        flags.AddTo(command);
        return (flags, command.Parse(arguments));
    }

    internal static OptionsReading FromFile(string text, params string[] flags)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            return FromFlags([.. flags, "--config", file]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    internal static ProxyOptions Valid(OptionsReading reading)
    {
        Assert.Empty(reading.Errors);
        return Assert.IsType<ProxyOptions>(reading.Options);
    }

    internal static string ErrorsOf(OptionsReading reading)
    {
        Assert.Null(reading.Options);
        return string.Join('\n', reading.Errors);
    }

    internal static string TestFile(string name) => File.ReadAllText(Path.Combine(Root, "tests", "Portolan.Tests", "Proxy", "Configuration", "Files", name));

    internal static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Portolan.slnx")))
            directory = Path.GetDirectoryName(directory)!;
        return directory;
    }
}
