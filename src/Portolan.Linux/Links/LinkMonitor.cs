using System.Net;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Links;

/// <summary>The interfaces and addresses of a network namespace at one moment.</summary>
/// <param name="Links">By index.</param>
/// <param name="Addresses">In no particular order.</param>
public sealed record LinkSnapshot(IReadOnlyDictionary<int, Link> Links, IReadOnlyList<InterfaceAddress> Addresses)
{
    /// <summary>Reads everything once, in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static LinkSnapshot Read()
    {
        using var requests = NetlinkSocket.Open(NetlinkFamily.Route);
        return Read(requests);
    }

    /// <summary>The interface of this name, or null.</summary>
    public Link? Find(string name)
    {
        foreach (var link in Links.Values)
            if (link.Name == name)
                return link;
        return null;
    }

    internal static LinkSnapshot Read(NetlinkSocket requests)
    {
        var links = requests.Dump<Link>(Request(LinkMessages.GetLink, LinkMessages.LinkHeaderSize), "list links", LinkMessages.TryReadLink);
        var addresses = requests.Dump<InterfaceAddress>(Request(LinkMessages.GetAddress, LinkMessages.AddressHeaderSize), "list addresses", LinkMessages.TryReadAddress);
        return new LinkSnapshot(links.ToDictionary(link => link.Index), [.. addresses]);
    }

    private static NetlinkWriter Request(ushort type, int headerSize)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(type, NetlinkFlags.None);
        request.Reserve(headerSize);
        request.EndMessage();
        return request;
    }
}

/// <summary>
/// Knows the interfaces and addresses of the network namespace it was opened in, and hears of every change: interfaces that appear, vanish,
/// are renamed, get another hardware address, go up or down.
/// </summary>
public sealed class LinkMonitor : IDisposable
{
    private const int LinkGroup = 1; // RTNLGRP_LINK
    private const int IPv4AddressGroup = 5; // RTNLGRP_IPV4_IFADDR
    private const int IPv6AddressGroup = 9; // RTNLGRP_IPV6_IFADDR

    private readonly NetlinkSocket _requests;
    private readonly NetlinkNotifications _notifications;
    private Dictionary<int, Link> _links = [];
    private Dictionary<(int Link, IPAddress Address), InterfaceAddress> _addresses = [];

    private readonly string? _without;

    private LinkMonitor(NetlinkSocket requests, NetlinkNotifications notifications, string? without)
    {
        (_requests, _notifications, _without) = (requests, notifications, without);
        Current = new LinkSnapshot(_links, []);
    }

    /// <summary>What is known now; replaced, never changed, by <see cref="WaitAsync"/>.</summary>
    public LinkSnapshot Current { get; private set; }

    /// <summary>Subscribes and reads everything, in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static LinkMonitor Open() => OpenWithout(null);

    /// <summary>As <see cref="Open"/>, but for the addresses of one link: they are nobody's business here, however many they are and however often they change.</summary>
    /// <param name="without">The link's name; null for none.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static LinkMonitor OpenWithout(string? without)
    {
        // Subscribed before the first read, so that nothing falls in between.
        var notifications = NetlinkNotifications.Open(NetlinkFamily.Route, LinkGroup, IPv4AddressGroup, IPv6AddressGroup);
        NetlinkSocket? requests = null;
        try
        {
            requests = NetlinkSocket.Open(NetlinkFamily.Route);
            var monitor = new LinkMonitor(requests, notifications, without);
            monitor.ReadAll();
            return monitor;
        }
        catch
        {
            requests?.Dispose();
            notifications.Dispose();
            throw;
        }
    }

    /// <summary>Waits until something has changed, and returns what is then known. One caller at a time.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public async Task<LinkSnapshot> WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var datagram = await _notifications.ReceiveAsync(cancellationToken).ConfigureAwait(false);
                if (!Apply(datagram.Span))
                    continue;
                Publish();
            }
            catch (NetlinkException e) when (e.IsOverrun)
            {
                ReadAll();
            }

            return Current;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _requests.Dispose();
        _notifications.Dispose();
    }

    private void ReadAll()
    {
        var read = LinkSnapshot.Read(_requests);
        _links = new Dictionary<int, Link>(read.Links);
        _addresses = [];
        foreach (var address in read.Addresses)
        {
            if (Concerns(address))
                _addresses[(address.Link, address.Address)] = address;
        }

        Publish();
    }

    private bool Apply(ReadOnlySpan<byte> datagram)
    {
        var changed = false;
        foreach (var message in new NetlinkMessages(datagram))
        {
            if (LinkMessages.TryReadLink(message, out var link))
            {
                if (message.Type == LinkMessages.DelLink)
                    changed |= _links.Remove(link.Index);
                else if (!_links.TryGetValue(link.Index, out var known) || known != link)
                    (_links[link.Index], changed) = (link, true);
            }
            else if (LinkMessages.TryReadAddress(message, out var address) && Concerns(address))
            {
                var key = (address.Link, address.Address);
                if (message.Type == LinkMessages.DelAddress)
                    changed |= _addresses.Remove(key);
                else if (!_addresses.TryGetValue(key, out var known) || known != address)
                    (_addresses[key], changed) = (address, true);
            }
        }

        return changed;
    }

    private bool Concerns(InterfaceAddress address) => _without is null || !_links.TryGetValue(address.Link, out var link) || link.Name != _without;

    private void Publish() => Current = new LinkSnapshot(new Dictionary<int, Link>(_links), [.. _addresses.Values]);
}
