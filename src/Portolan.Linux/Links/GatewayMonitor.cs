using System.Net.Sockets;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Links;

/// <summary>
/// Knows the default gateways of the network namespace it was opened in: of each family the neighbours of the default routes with the lowest metric.
/// Hears when the routes change, and when the kernel itself finds that one of the gateways answers.
/// </summary>
public sealed class GatewayMonitor : IDisposable
{
    private const int NeighborGroup = 3;   // RTNLGRP_NEIGH
    private const int IPv4RouteGroup = 7;  // RTNLGRP_IPV4_ROUTE
    private const int IPv6RouteGroup = 11; // RTNLGRP_IPV6_ROUTE
    private const int Most = 16;

    private readonly NetlinkSocket _requests;
    private readonly NetlinkNotifications _notifications;
    private readonly Lock _reading = new();
    private volatile IReadOnlyList<DefaultGateway> _current = [];

    private GatewayMonitor(NetlinkSocket requests, NetlinkNotifications notifications) => (_requests, _notifications) = (requests, notifications);

    /// <summary>The gateways as they were read last.</summary>
    public IReadOnlyList<DefaultGateway> Current => _current;

    /// <summary>Subscribes and reads, in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static GatewayMonitor Open()
    {
        var notifications = NetlinkNotifications.Open(NetlinkFamily.Route, NeighborGroup, IPv4RouteGroup, IPv6RouteGroup);
        NetlinkSocket? requests = null;
        try
        {
            requests = NetlinkSocket.Open(NetlinkFamily.Route);
            var monitor = new GatewayMonitor(requests, notifications);
            monitor.Read();
            return monitor;
        }
        catch
        {
            requests?.Dispose();
            notifications.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads the routes again: to be called also when interfaces change, for the kernel does not tell of IPv4 routes that it drops with theirs. Any thread.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Read()
    {
        lock (_reading)
            _current = [.. Read(AddressFamily.InterNetwork), .. Read(AddressFamily.InterNetworkV6)];
    }

    /// <summary>Waits until the routes were read again, or the kernel found gateways to answer. One caller at a time.</summary>
    /// <returns>The gateways that answer; none: the routes were read.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public async Task<IReadOnlyList<DefaultGateway>> WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var datagram = await _notifications.ReceiveAsync(cancellationToken).ConfigureAwait(false);
                if (HasDefaultRoute(datagram.Span))
                {
                    Read();
                    return [];
                }

                if (Answering(datagram.Span) is { Count: > 0 } answering)
                    return answering;
            }
            catch (NetlinkException e) when (e.IsOverrun)
            {
                Read();
                return [];
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _requests.Dispose();
        _notifications.Dispose();
    }

    private List<DefaultGateway> Read(AddressFamily family)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(RouteMessages.GetRoute, NetlinkFlags.None);
        request.Reserve(RouteMessages.RouteHeaderSize)[0] = (byte)(family is AddressFamily.InterNetwork ? 2 : 10);
        request.EndMessage();
        var routes = _requests.Dump<(uint Metric, IReadOnlyList<DefaultGateway> Gateways)>(request, "list routes", RouteMessages.TryReadDefaultRoute);
        if (routes.Count == 0)
            return [];
        var lowest = routes.Min(route => route.Metric);
        return [.. routes.Where(route => route.Metric == lowest).SelectMany(route => route.Gateways).Distinct().Take(Most)];
    }

    private static bool HasDefaultRoute(ReadOnlySpan<byte> datagram)
    {
        foreach (var message in new NetlinkMessages(datagram))
        {
            if (RouteMessages.IsDefaultRoute(message))
                return true;
        }

        return false;
    }

    private List<DefaultGateway> Answering(ReadOnlySpan<byte> datagram)
    {
        List<DefaultGateway> answering = [];
        foreach (var message in new NetlinkMessages(datagram))
        {
            if (!RouteMessages.TryReadReachable(message, out var link, out var address))
                continue;
            foreach (var gateway in _current)
            {
                if (gateway.Link == link && gateway.Address.Equals(address))
                    answering.Add(gateway);
            }
        }

        return answering;
    }
}
