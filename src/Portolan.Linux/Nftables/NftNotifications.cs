using Portolan.Linux.Netlink;

namespace Portolan.Linux.Nftables;

/// <summary>What somebody else did to a table.</summary>
[Flags]
public enum NftForeignChange
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Elements of its sets and maps were added or deleted.</summary>
    Elements = 1,

    /// <summary>The table itself, its chains, rules or sets; or something we could not hear.</summary>
    Structure = 2,
}

/// <summary>Listens for changes of one table by others, in the network namespace of the thread that opened it.</summary>
public sealed class NftNotifications : IDisposable
{
    private readonly NetlinkNotifications _notifications;
    private readonly string _table;

    private NftNotifications(NetlinkNotifications notifications, string table) => (_notifications, _table) = (notifications, table);

    /// <summary>Subscribes.</summary>
    /// <param name="table">The table's name, in whichever family.</param>
    /// <param name="own"><see cref="NftConnection.PortId"/> of the connection whose changes are not news.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NftNotifications Open(string table, uint own)
    {
        var notifications = NetlinkNotifications.Open(NetlinkFamily.Netfilter, Nft.NotificationGroup);
        try
        {
            notifications.Ignore(own);
            return new NftNotifications(notifications, table);
        }
        catch
        {
            notifications.Dispose();
            throw;
        }
    }

    /// <summary>Waits until somebody else changes the table.</summary>
    /// <exception cref="NetlinkException">The socket failed.</exception>
    public async ValueTask<NftForeignChange> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var datagram = await _notifications.ReceiveAsync(cancellationToken).ConfigureAwait(false);
                if (Read(datagram.Span) is not NftForeignChange.None and var change)
                    return change;
            }
            catch (NetlinkException e) when (e.IsOverrun)
            {
                return NftForeignChange.Structure;
            }
        }
    }

    private NftForeignChange Read(ReadOnlySpan<byte> datagram)
    {
        var change = NftForeignChange.None;
        foreach (var message in new NetlinkMessages(datagram))
        {
            // In all these messages the table's name is attribute 1.
            if (message.Type is < Nft.NewTable or > Nft.DelSetElement || !message.Attributes(Nft.HeaderSize).TryFind(Nft.TableName, out var table) || table.AsString != _table)
                continue;
            change |= message.Type is Nft.NewSetElement or Nft.DelSetElement ? NftForeignChange.Elements : NftForeignChange.Structure;
        }

        return change;
    }

    /// <inheritdoc/>
    public void Dispose() => _notifications.Dispose();
}
