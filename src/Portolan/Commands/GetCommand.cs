using System.CommandLine;
using Portolan.Bgp;
using Portolan.Proxy;

namespace Portolan.Commands;

/// <summary><c>portolan get …</c>: prints what is, read back from where it is. Each query registers itself here.</summary>
internal static class GetCommand
{
    public static Command Create() => new("get", "Print what this node really does, read back from where it is.")
    {
        BgpCommand.Create(),
        VirtualServersCommand.Create(),
    };
}
