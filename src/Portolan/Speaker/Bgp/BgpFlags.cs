using System.CommandLine;
using System.Globalization;
using Portolan.Bgp;
using Portolan.Hosting;
using Portolan.Proxy.Programmed;

namespace Portolan.Speaker.Bgp;

/// <summary>The speaker's flags for BGP.</summary>
internal sealed class BgpFlags
{
    private readonly Option<int> _port = new("--bgp-port")
    {
        Description = "TCP port on which BGP peers connect that a BGPPolicy has wait for; nobody listens there without one. 0: never (PORTOLAN_BGP_PORT).",
        DefaultValueFactory = _ => int.TryParse(RoleOptions.FromEnvironment("PORTOLAN_BGP_PORT", ""), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : BgpLoop.DefaultPort,
    };

    private readonly Option<string> _socket = new("--bgp-socket")
    {
        Description = "Unix socket where 'portolan get bgp' is answered; empty: nowhere (PORTOLAN_BGP_SOCKET).",
        DefaultValueFactory = _ => RoleOptions.FromEnvironment("PORTOLAN_BGP_SOCKET", ""),
    };

    public BgpFlags()
    {
        _port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > ushort.MaxValue)
                result.AddError("--bgp-port: must be 0..65535");
        });
        _socket.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { Length: > 0 } path && !SocketFile.IsPossible(path))
                result.AddError($"--bgp-socket: '{path}' is not the full path of a socket (107 bytes at most)");
        });
    }

    public void AddTo(Command command)
    {
        command.Add(_port);
        command.Add(_socket);
    }

    public SpeakerOptions Read(ParseResult parse, SpeakerOptions options) => options with { BgpPort = (ushort)parse.GetValue(_port), BgpSocket = parse.GetValue(_socket)! };
}
