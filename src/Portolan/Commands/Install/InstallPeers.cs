using System.CommandLine;
using System.CommandLine.Parsing;
using Portolan.Core.Addresses;

namespace Portolan.Commands.Install;

/// <summary>The BGP peers that <c>portolan install --protocol bgp</c> makes objects of.</summary>
/// <param name="Addresses">Where they are.</param>
/// <param name="PeerAsn">Their AS number.</param>
/// <param name="MyAsn">The nodes'.</param>
/// <param name="BfdMilliseconds">The interval of BFD in both directions; 0: no BFD.</param>
internal sealed record InstallPeers(IReadOnlyList<IpAddress> Addresses, uint PeerAsn, uint MyAsn, int BfdMilliseconds)
{
    /// <summary>Nobody.</summary>
    public static readonly InstallPeers None = new([], 0, 0, 0);
}

/// <summary>The options that describe them.</summary>
internal sealed class InstallPeerOptions
{
    private const int FastestBfd = 10;
    private const int SlowestBfd = 60000;

    private readonly Option<string[]> _addresses = new("--peer") { Description = "With --protocol bgp: the address of a router to announce to. May be repeated.", HelpName = "ADDRESS" };
    private readonly Option<string?> _peerAsn = new("--peer-asn") { Description = "With --peer: the routers' AS number.", HelpName = "ASN" };
    private readonly Option<string?> _myAsn = new("--my-asn") { Description = "With --peer: the nodes' own AS number.", HelpName = "ASN" };
    private readonly Option<int> _bfd = new("--bfd") { Description = "With --peer: watch the routers with BFD, a packet each so many milliseconds, down after three; 0: no BFD.", HelpName = "MS" };

    /// <summary>Adds the options and the rules between them.</summary>
    public void AddTo(Command command, Option<string> protocol)
    {
        command.Add(_addresses);
        command.Add(_peerAsn);
        command.Add(_myAsn);
        command.Add(_bfd);
        _addresses.Validators.Add(result =>
        {
            foreach (var text in result.GetValueOrDefault<string[]>() ?? [])
                if (!IpAddress.TryParse(text, out _))
                    result.AddError($"--peer {text}: is not an IP address");
        });
        _bfd.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is not 0 and (< FastestBfd or > SlowestBfd))
                result.AddError($"--bfd: must be {FastestBfd}..{SlowestBfd}, or 0");
        });
        command.Validators.Add(result => Check(result, protocol));
    }

    /// <summary>What was asked for.</summary>
    public InstallPeers Read(ParseResult parse) => parse.GetValue(_addresses) is not { Length: > 0 } addresses
        ? InstallPeers.None
        : new InstallPeers([.. addresses.Select(text => IpAddress.Parse(text, null))], Asn(parse.GetValue(_peerAsn)) ?? 0, Asn(parse.GetValue(_myAsn)) ?? 0, parse.GetValue(_bfd));

    private void Check(CommandResult result, Option<string> protocol)
    {
        var hasPeers = result.GetValue(_addresses) is { Length: > 0 };
        if (!hasPeers)
        {
            if (result.GetValue(_peerAsn) is not null || result.GetValue(_myAsn) is not null || result.GetValue(_bfd) != 0)
                result.AddError("--peer-asn, --my-asn and --bfd describe peers: add --peer ADDRESS");
            return;
        }

        if (result.GetValue(protocol) != "bgp")
            result.AddError("--peer needs --protocol bgp");
        foreach (var (name, option) in new[] { ("--peer-asn", _peerAsn), ("--my-asn", _myAsn) })
            if (result.GetValue(option) is not { } text)
                result.AddError($"--peer needs {name}");
            else if (Asn(text) is null)
                result.AddError($"{name} {text}: must be 1..4294967295");
    }

    private static uint? Asn(string? text) => uint.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var asn) && asn > 0 ? asn : null;
}
