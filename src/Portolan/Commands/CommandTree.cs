using System.CommandLine;
using Portolan.Bfd;
using Portolan.Commands.Check;
using Portolan.Commands.Import;
using Portolan.Commands.Install;
using Portolan.Controller;
using Portolan.Speaker;
using Portolan.Proxy;

namespace Portolan.Commands;

/// <summary>Every command of the product. A role or a query registers itself here with one line.</summary>
internal static class CommandTree
{
    public static RootCommand Create() => new("Portolan gives Kubernetes LoadBalancer Services an address, announces it and carries its traffic.")
    {
        BfdCommand.Create(),
        CheckCommand.Create(),
        ControllerCommand.Create(),
        GetCommand.Create(),
        ImportCommand.Create(),
        InstallCommand.Create(),
        LabCommand.Create(),
        SpeakerCommand.Create(),
        ProxyCommand.Create(),
        VersionCommand.Create(),
    };
}
