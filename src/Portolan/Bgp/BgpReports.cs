using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using Portolan.Proxy.Programmed;

namespace Portolan.Bgp;

/// <summary>
/// Answers whoever connects to a unix socket of this pod with a <see cref="BgpReport"/>, and hangs up: <c>portolan get bgp</c> asks so.
/// </summary>
/// <param name="path">The socket's path; empty: nobody is answered.</param>
/// <param name="report">Makes one.</param>
/// <param name="log">Told when the socket cannot be had.</param>
internal sealed class BgpReports(string path, Func<CancellationToken, Task<BgpReport>> report, ILogger log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Answers until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        if (path.Length == 0)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, stop);
            return;
        }

        using var door = SocketFile.Listen(path);
        while (true)
        {
            using var caller = await door.AcceptAsync(stop);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(Patience);
            try
            {
                await using var stream = new NetworkStream(caller);
                await JsonSerializer.SerializeAsync(stream, await report(limit.Token), BgpReportJson.Default.BgpReport, limit.Token);
            }
            catch (Exception failure) when (failure is IOException or SocketException || (failure is OperationCanceledException && !stop.IsCancellationRequested))
            {
                log.LogDebug("bgp: whoever asked did not hear the answer: {Failure}", failure.Message);
            }
        }
    }

    /// <summary>Reads the report of the speaker that listens there.</summary>
    /// <exception cref="IOException">Nobody does, or what is said is no report.</exception>
    public static async Task<BgpReport> ReadAsync(string path, CancellationToken stop)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
            await using var stream = new NetworkStream(socket);
            return await JsonSerializer.DeserializeAsync(stream, BgpReportJson.Default.BgpReport, stop) ?? throw new IOException($"{path}: no report");
        }
        catch (Exception failure) when (failure is SocketException or JsonException)
        {
            throw new IOException($"{path}: {failure.Message}", failure);
        }
    }

    /// <summary>A neighbour in the report's terms.</summary>
    public static NeighborReport Of(NeighborStatus status, IReadOnlyList<RouteReport> routes) => new()
    {
        Name = status.Name,
        Address = status.Address?.ToString(),
        Interface = status.Interface.Length > 0 ? status.Interface : null,
        Port = status.Port,
        Vrf = status.Vrf.Length > 0 ? status.Vrf : null,
        LocalAsn = status.LocalAsn,
        PeerAsn = status.PeerAsn,
        State = $"{status.State}",
        Since = status.Since,
        LocalAddress = status.LocalAddress?.ToString(),
        Identifier = status.Terms is { } terms ? $"{new IPAddress(BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(terms.PeerIdentifier) : terms.PeerIdentifier)}" : null,
        HoldTime = status.Terms?.HoldTime,
        Negotiated = status.Terms is null ? [] : Words(status.Terms),
        Sent = status.State is SessionState.Established ? Math.Max(0, status.Routes - status.Pending) : 0,
        Pending = status.State is SessionState.Established ? status.Pending : status.Routes,
        MessagesSent = status.Counts.Sent,
        MessagesReceived = status.Counts.Received,
        LastEnd = status.LastEnd?.ToString(),
        LastEndAt = status.LastEndAt,
        Routes = routes,
    };

    /// <summary>A route in the report's terms.</summary>
    public static RouteReport Of(Route route, EncodingTerms? terms, bool isSent)
    {
        var attributes = route.Attributes;
        var nextHop = route.Prefix.Family is BgpFamily.IPv4Unicast ? terms?.IPv4NextHop : terms?.IPv6NextHop;
        return new RouteReport(
            route.Prefix.ToString(),
            isSent,
            nextHop?.ToString(),
            terms is { IsInternal: true } ? attributes.GracefulShutdown ? 0 : attributes.LocalPref ?? PathAttributes.DefaultLocalPref : null,
            attributes.Med,
            attributes.Prepend,
            [
                .. attributes.GracefulShutdown ? (string[])["graceful-shutdown"] : [],
                .. attributes.Communities.Select(community => $"{community >> 16}:{community & 0xffff}"),
                .. attributes.LargeCommunities.Select(community => $"large:{community}"),
                .. attributes.LinkBandwidth is { } bandwidth ? (string[])[$"link-bandwidth:{(bandwidth * 8 / 1e6).ToString("0.###", CultureInfo.InvariantCulture)}Mbit/s"] : [],
            ]);
    }

    private static List<string> Words(SessionTerms terms)
    {
        var words = new List<string> { terms.IsInternal ? "iBGP" : "eBGP" };
        if (terms.Families.HasFlag(BgpFamilies.IPv4Unicast))
            words.Add("IPv4 unicast");
        if (terms.Families.HasFlag(BgpFamilies.IPv6Unicast))
            words.Add("IPv6 unicast");
        if (terms.FourOctetAsn)
            words.Add("4-byte AS");
        if (terms.ExtendedNextHop)
            words.Add("extended next hop");
        if (terms.RouteRefresh)
            words.Add(terms.EnhancedRouteRefresh ? "enhanced route refresh" : "route refresh");
        if (terms.LongestReceived > BgpFraming.Longest)
            words.Add("extended messages");
        if (terms.PeerKeepsRoutes)
            words.Add($"graceful restart ({terms.PeerRestart!.RestartTime} s)");
        return words;
    }
}
