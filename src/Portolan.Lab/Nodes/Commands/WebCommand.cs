using System.CommandLine;

using Portolan.Lab.Nodes.Images;

namespace Portolan.Lab.Nodes.Commands;

/// <summary>The program of the image go-myweb.</summary>
internal static class WebCommand
{
    public static Command Create()
    {
        var port = new Option<ushort>("--port") { Description = "TCP port to listen on.", DefaultValueFactory = _ => 8080 };
        var command = new Command("web", "Answer every HTTP request with \"Hello World!\" and the host's name.") { port };
        command.SetAction((parsed, cancel) => HelloServer.RunAsync(parsed.GetValue(port), cancel));
        return command;
    }
}
