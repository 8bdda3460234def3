using System.CommandLine;
using System.Globalization;
using System.Net;

namespace Portolan.Speaker.Peers;

/// <summary>The flags by which a speaker learns where it talks to others: MetalLB's own, for the same purpose.</summary>
internal sealed class PeerFlags
{
    private readonly Option<string> _address = new("--ml-bindaddr")
    {
        Description = "Address to listen on for other speakers; without it, or where it is of another family, the node's own (METALLB_ML_BIND_ADDR).",
        DefaultValueFactory = _ => Hosting.RoleOptions.FromEnvironment("METALLB_ML_BIND_ADDR", ""),
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _port = new("--ml-bindport")
    {
        Description = "UDP port on which speakers talk to each other, the same on all nodes (METALLB_ML_BIND_PORT).",
        DefaultValueFactory = _ => Hosting.RoleOptions.FromEnvironment("METALLB_ML_BIND_PORT", SpeakerPeers.DefaultPort.ToString(CultureInfo.InvariantCulture)),
    };

    public PeerFlags()
    {
        _address.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { Length: > 0 } text && !IPAddress.TryParse(text, out _))
                result.AddError($"--ml-bindaddr: {text}: must be an IP address");
        });
        _port.Validators.Add(result =>
        {
            if (!TryReadPort(result.GetValueOrDefault<string?>(), out _))
                result.AddError($"--ml-bindport: {result.GetValueOrDefault<string?>()}: must be 1..65535");
        });
    }

    public void AddTo(Command command)
    {
        command.Add(_address);
        command.Add(_port);
    }

    /// <summary>Adds what the flags say.</summary>
    public SpeakerOptions Read(ParseResult parse, SpeakerOptions options) => options with
    {
        PeerAddress = parse.GetValue(_address) is { Length: > 0 } text ? IPAddress.Parse(text) : null,
        PeerPort = TryReadPort(parse.GetValue(_port), out var port) ? port : SpeakerPeers.DefaultPort,
    };

    private static bool TryReadPort(string? text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535;
}
