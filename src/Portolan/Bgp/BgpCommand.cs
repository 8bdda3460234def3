using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Portolan.Hosting;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Bgp;

/// <summary><c>portolan get bgp</c>: the neighbours of this node's speaker, and what is announced to them.</summary>
internal static class BgpCommand
{
    /// <summary>Where the speaker of the pod answers.</summary>
    public const string DefaultSocket = "/run/portolan/bgp.sock";

    public static Command Create()
    {
        var neighbor = new Argument<string?>("neighbor") { Description = "A BGPPeer's name: all about it, and its routes.", Arity = ArgumentArity.ZeroOrOne };
        var output = new Option<string?>("--output", "-o") { Description = "json prints JSON." };
        output.AcceptOnlyFromAmong("json");
        var socket = new Option<string>("--socket")
        {
            Description = "Unix socket of the speaker (PORTOLAN_BGP_SOCKET).",
            DefaultValueFactory = _ => RoleOptions.FromEnvironment("PORTOLAN_BGP_SOCKET", DefaultSocket),
        };
        var command = new Command("bgp", "Print the BGP neighbours of this node's speaker: kubectl exec -n metallb-system speaker-… -c speaker -- portolan get bgp") { neighbor, output, socket };
        command.SetAction(async (parse, stop) =>
        {
            try
            {
                var report = await BgpReports.ReadAsync(parse.GetValue(socket)!, stop);
                var name = parse.GetValue(neighbor);
                if (name is not null && report.Neighbors.All(found => found.Name != name))
                {
                    await Console.Error.WriteLineAsync($"portolan get bgp: node {report.Node} has no neighbour {name}: it has {(report.Neighbors.Count == 0 ? "none" : string.Join(", ", report.Neighbors.Select(found => found.Name)))}");
                    return ExitCode.NotWell;
                }

                if (name is not null)
                    report = report with { Neighbors = [report.Neighbors.First(found => found.Name == name)] };
                if (parse.GetValue(output) is "json")
                    parse.InvocationConfiguration.Output.WriteLine(JsonSerializer.Serialize(report, BgpReportJson.Default.BgpReport));
                else if (name is not null)
                    PrintOne(report.Neighbors[0], parse.InvocationConfiguration.Output);
                else
                    PrintAll(report, parse.InvocationConfiguration.Output);
                return report.Neighbors.All(found => found.State == $"{SessionState.Established}") ? ExitCode.Done : ExitCode.NotWell;
            }
            catch (IOException failure)
            {
                await Console.Error.WriteLineAsync($"portolan get bgp: {failure.Message}. Is this the speaker's container?");
                return ExitCode.NotWell;
            }
        });
        return command;
    }

    /// <summary>A line each.</summary>
    public static void PrintAll(BgpReport report, TextWriter output)
    {
        if (report.Neighbors.Count == 0)
        {
            output.WriteLine($"node {report.Node} has no BGP neighbours");
            return;
        }

        var rows = new List<string[]> { (string[])["NEIGHBOR", "ADDRESS", "AS", "STATE", "SINCE", "SENT", "PENDING", "MESSAGES"] };
        rows.AddRange(report.Neighbors.Select(neighbor => (string[])
        [
            neighbor.Name, neighbor.Address ?? neighbor.Interface ?? "-", neighbor.PeerAsn?.ToString(CultureInfo.InvariantCulture) ?? "-", neighbor.State, Age(neighbor.Since),
            $"{neighbor.Sent}", $"{neighbor.Pending}", $"{neighbor.MessagesSent}/{neighbor.MessagesReceived}",
        ]));
        PrintTable(rows, output);
        foreach (var neighbor in report.Neighbors)
            if (neighbor.State != $"{SessionState.Established}" && neighbor.LastEnd is { } end)
                output.WriteLine($"{neighbor.Name}: {Age(neighbor.LastEndAt ?? neighbor.Since)} ago {end}");
    }

    /// <summary>All about one.</summary>
    public static void PrintOne(NeighborReport neighbor, TextWriter output)
    {
        PrintTable(
            [
                ["Neighbor:", $"{neighbor.Name} ({neighbor.Address ?? "nobody found yet"}{(neighbor.Interface is { } link ? $" on {link}" : "")}, port {neighbor.Port}{(neighbor.Vrf is { } vrf ? $", VRF {vrf}" : "")})"],
                ["AS:", $"{neighbor.PeerAsn?.ToString(CultureInfo.InvariantCulture) ?? "-"}, ours {neighbor.LocalAsn}"],
                ["State:", $"{neighbor.State} for {Age(neighbor.Since)}"],
                ["Identifier:", neighbor.Identifier ?? "-"],
                ["Local address:", neighbor.LocalAddress ?? "-"],
                ["Hold time:", neighbor.HoldTime is { } hold ? $"{hold} s" : "-"],
                ["Negotiated:", neighbor.Negotiated.Count == 0 ? "-" : string.Join(", ", neighbor.Negotiated)],
                ["Messages:", $"{neighbor.MessagesSent} sent, {neighbor.MessagesReceived} received"],
                ["Routes:", $"{neighbor.Sent} sent, {neighbor.Pending} pending"],
                ["Last end:", neighbor.LastEnd is { } end ? $"{Age(neighbor.LastEndAt ?? neighbor.Since)} ago {end}" : "-"],
            ],
            output);
        if (neighbor.Routes is not { Count: > 0 } routes)
            return;
        output.WriteLine();
        var rows = new List<string[]> { (string[])["PREFIX", "SENT", "NEXT HOP", "LOCALPREF", "MED", "PREPEND", "COMMUNITIES"] };
        rows.AddRange(routes.Select(route => (string[])
        [
            route.Prefix, route.IsSent ? "yes" : "no", route.NextHop ?? "-", $"{route.LocalPref?.ToString(CultureInfo.InvariantCulture) ?? "-"}", $"{route.Med?.ToString(CultureInfo.InvariantCulture) ?? "-"}",
            route.Prepend > 0 ? $"{route.Prepend}" : "-", route.Communities.Count > 0 ? string.Join(" ", route.Communities) : "-",
        ]));
        PrintTable(rows, output);
    }

    private static void PrintTable(IReadOnlyList<string[]> rows, TextWriter output)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToList();
        foreach (var row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => column == row.Length - 1 ? cell : cell.PadRight(widths[column]))));
    }

    private static string Age(DateTimeOffset since)
    {
        var age = TimeProvider.System.GetUtcNow() - since;
        return age < TimeSpan.FromMinutes(2) ? $"{(int)Math.Max(0, age.TotalSeconds)}s" : age < TimeSpan.FromHours(2) ? $"{(int)age.TotalMinutes}m" : age < TimeSpan.FromDays(2) ? $"{(int)age.TotalHours}h" : $"{(int)age.TotalDays}d";
    }
}
