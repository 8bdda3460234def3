using System.Text.Json.Nodes;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>ExaBGP, which keeps no table: what it reports is kept here.</summary>
internal sealed class ExaBgpSpeaker(NetworkNamespace where, Peering peering) : ForeignSpeaker(where, peering)
{
    // It has no name for it (its own class for that is not loaded), but the number.
    public override string LinkBandwidth => "4612912662377818920"; // 0x4004 5ba0 4cee6b28

    public override string Log => File.Exists(Reports) ? $"{base.Log}\n{File.ReadAllText(Reports)}" : base.Log;

    private string Reports => $"{Folder}/reports";

    public override void Start()
    {
        // What it is told by its process, that writes to it what is written into a file.
        Write("commands", "");
        File.SetUnixFileMode(Write("dump.sh", $"#!/bin/sh\ntail -f {Folder}/commands &\nwhile read -r line; do echo \"$line\" >> {Reports}; done\nkill $!\n"), (UnixFileMode)0x1ed);
        Write("exabgp.conf", $$"""
            process dump { run {{Folder}}/dump.sh; encoder json; }
            neighbor {{Peering.Peer}} {
              router-id 192.168.100.101;
              local-address {{Peering.Local}};
              local-as {{Peering.LocalAsn}};
              peer-as {{Peering.PeerAsn}};
              hold-time {{Peering.HoldTime}};
              {{(Peering.Waits ? "passive true;" : "")}}
              {{(Peering.Password.Length > 0 ? $"md5-password \"{Peering.Password}\";" : "")}}
              {{(Peering.TtlSecurity ? "incoming-ttl 255; outgoing-ttl 255;" : "")}}
              family { ipv4 unicast; ipv6 unicast; }
              capability { route-refresh enable; graceful-restart 120; }
              api { processes [ dump ]; neighbor-changes; receive { parsed; update; notification; open; refresh; } }
            }
            """);
        Run($"env exabgp.daemon.user=root exabgp.tcp.bind={Peering.Local} exabgp.api.ack=false exabgp.log.all=true exabgp {Folder}/exabgp.conf");
    }

    public override ForeignRoute? Find(string prefix)
    {
        ForeignRoute? found = null;
        if (!File.Exists(Reports))
            return null;
        foreach (var line in File.ReadAllLines(Reports))
        {
            if (Parse(line) is not { } report)
                continue; // it is being written, or is of a refresh: those have two quotes where one belongs
            if ((string?)report["neighbor"]?["state"] == "down")
                found = null;
            var update = report["neighbor"]?["message"]?["update"];
            if (Has(update?["withdraw"], out _))
                found = null;
            if (!Has(update?["announce"], out var nextHop))
                continue;
            var said = update!["attribute"];
            found = new(
                string.Join(' ', said?["as-path"]?.AsArray().Select(asn => (uint)asn!) ?? []),
                nextHop,
                (uint?)said?["med"],
                (uint?)said?["local-preference"],
                string.Join(' ', said?["community"]?.AsArray().Select(value => $"{value![0]}:{value[1]}") ?? []),
                string.Join(' ', said?["large-community"]?.AsArray().Select(value => $"{value![0]}:{value[1]}:{value[2]}") ?? []),
                string.Join(' ', said?["extended-community"]?.AsArray().Select(value => $"{value!["value"]}") ?? []));
        }

        return found;

        bool Has(JsonNode? families, out string nextHop)
        {
            nextHop = "";
            var family = families?[prefix.Contains(':', StringComparison.Ordinal) ? "ipv6 unicast" : "ipv4 unicast"];
            if (family is JsonArray plain)
                return plain.Any(IsIt);
            if (family is not JsonObject hops)
                return false;
            var those = hops.Where(hop => hop.Value!.AsArray().Any(IsIt)).Select(hop => hop.Key).ToList();
            nextHop = string.Join(' ', those);
            return those.Count > 0;
        }

        bool IsIt(JsonNode? route) => (string?)route!["nlri"] == prefix;
    }

    public override void AskAgain() => File.AppendAllText($"{Folder}/commands", "announce route-refresh ipv4 unicast\nannounce route-refresh ipv6 unicast\n");

    private static JsonNode? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line);
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
