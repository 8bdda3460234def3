using System.Globalization;
using System.Text.RegularExpressions;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>BIRD 2, which also writes its routes into the kernel.</summary>
internal sealed class BirdSpeaker(NetworkNamespace where, Peering peering) : ForeignSpeaker(where, peering)
{
    public override string LinkBandwidth => "(unknown 0x4004, 23456, 1290693416)";

    public override void Start()
    {
        Write("bird.conf", $$"""
            router id 192.168.100.101;
            log stderr all;
            protocol device {}
            {{(Peering.Bfd ? "protocol bfd { interface \"*\" { interval 300 ms; multiplier 5; }; }" : "")}}
            protocol kernel { ipv4 { export all; }; }
            protocol kernel { ipv6 { export all; }; }
            protocol bgp them {
              debug { states, events };
              local {{Peering.Local}} as {{Peering.LocalAsn}};
              neighbor {{Peering.Peer}} as {{Peering.PeerAsn}};
              strict bind yes;
              hold time {{Peering.HoldTime}};
              connect delay time 1; connect retry time 1; error wait time 1, 2;
              {{(Peering.Waits ? "passive yes;" : "")}}
              {{(Peering.Password.Length > 0 ? $"password \"{Peering.Password}\";" : "")}}
              {{(Peering.TtlSecurity ? "ttl security on;" : "")}}
              {{(Peering.Bfd ? "bfd on;" : "")}}
              ipv4 { import all; export none; };
              ipv6 { import all; export none; };
            }
            """);
        Run($"bird -f -c {Folder}/bird.conf -s {Folder}/ctl");
    }

    public override ForeignRoute? Find(string prefix)
    {
        var text = Ask("birdc", $"-s {Folder}/ctl show route for {prefix} all protocol them");
        return text.Contains(prefix, StringComparison.Ordinal)
            ? new(Of("as_path").Replace("{", "", StringComparison.Ordinal), Of("next_hop"), Number("med"), Number("local_pref"), Of("community"), Of("large_community"), Of("ext_community"))
            : null;

        string Of(string name) => Regex.Match(text, $@"BGP\.{name}: (.*)").Groups[1].Value.Trim();

        uint? Number(string name) => Of(name) is { Length: > 0 } value ? uint.Parse(value, CultureInfo.InvariantCulture) : null;
    }

    public override void AskAgain() => Ask("birdc", $"-s {Folder}/ctl reload in them");

    /// <summary>Its operator ends the session, with words.</summary>
    public void Disable(string words) => Ask("birdc", $"-s {Folder}/ctl disable them \"\\\"{words}\\\"\"");
}
