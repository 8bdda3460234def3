using System.Buffers.Binary;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy.Accounting;

/// <summary>The accounts of one family: an element for each real server, and its counters in the kernel.</summary>
internal sealed class AccountTable
{
    private readonly NftConnection _connection;
    private readonly IpFamily _family;
    private readonly NftFamily _nftFamily;
    private readonly NftBatch _batch;
    private readonly CountedSet<(Protocol Protocol, RealServer Server)> _accounts = new();
    private readonly byte[] _key = new byte[TableKeys.MaxLength];

    internal AccountTable(NftConnection connection, IpFamily family)
    {
        _connection = connection;
        _family = family;
        _nftFamily = TableKeys.Family(family);
        _batch = new NftBatch(_nftFamily, AccountShape.Table);
    }

    /// <summary>Compares the accounts with the kernel's and writes the difference; what is there goes on counting.</summary>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused.</exception>
    internal void Reconcile(IEnumerable<ServicePortPlan> plans)
    {
        _batch.Reset(_connection.Generation());
        var installer = ShapeInstaller.Read(_connection, _nftFamily, AccountShape.Table, AccountShape.Sets(_nftFamily), AccountShape.Chains(_nftFamily));
        installer.Write([], [], _batch);
        _accounts.Clear();
        foreach (var plan in plans)
            Count(plan, _accounts.Add);
        List<(Protocol, RealServer)> before = [], wanted = [];
        _accounts.TakeChanges(before, wanted);
        foreach (var set in (string[])[AccountShape.In, AccountShape.Out])
        {
            var found = new HashSet<(Protocol, RealServer)>();
            if (installer.Has(set))
                Read(_connection, _nftFamily, set, found.Clear, (account, _) => found.Add(account));
            Write(set, found.Except(wanted), wanted.Except(found));
        }

        _connection.Commit(_batch, "open the accounts");
    }

    /// <summary>Opens accounts for new real servers and closes those of the ones that are gone.</summary>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused.</exception>
    internal void Apply(IEnumerable<ServicePortChange> changes)
    {
        foreach (var change in changes)
        {
            Count(change.New, _accounts.Add);
            Count(change.Old, _accounts.Remove);
        }

        List<(Protocol, RealServer)> before = [], after = [];
        _accounts.TakeChanges(before, after);
        _batch.Reset();
        foreach (var set in (string[])[AccountShape.In, AccountShape.Out])
            Write(set, before.Except(after), after.Except(before));
        _connection.Commit(_batch, "open and close accounts");
    }

    /// <summary>The traffic of every account; null where there are none.</summary>
    internal static Dictionary<(Protocol Protocol, RealServer Server), Traffic>? Read(NftConnection connection, NftFamily family)
    {
        if (!connection.HasTable(family, AccountShape.Table))
            return null;
        var accounts = new Dictionary<(Protocol, RealServer), Traffic>();
        Read(connection, family, AccountShape.In, accounts.Clear, (account, element) => accounts[account] = new Traffic(element.Packets, 0, element.Bytes, 0));
        var replies = new Dictionary<(Protocol, RealServer), (ulong Packets, ulong Bytes)>();
        Read(connection, family, AccountShape.Out, replies.Clear, (account, element) => replies[account] = (element.Packets, element.Bytes));
        foreach (var (account, (packets, bytes)) in replies)
            accounts[account] = accounts.GetValueOrDefault(account) with { OutPackets = packets, OutBytes = bytes };
        return accounts;
    }

    private void Count(ServicePortPlan? plan, Action<(Protocol, RealServer)> count)
    {
        if (plan?.Key.Family != _family)
            return;
        foreach (var choice in (ReadOnlySpan<RealServerChoice>)[plan.Cluster, plan.Local])
        {
            foreach (var server in choice.Servers)
                count((plan.Key.Protocol, server));
        }
    }

    private void Write(string set, IEnumerable<(Protocol, RealServer)> closed, IEnumerable<(Protocol, RealServer)> opened)
    {
        foreach (var account in closed)
            _batch.DeleteElement(set, Key(account, _key));
        foreach (var account in opened)
            _batch.AddElement(set, Key(account, _key));
    }

    private static ReadOnlySpan<byte> Key((Protocol Protocol, RealServer Server) account, Span<byte> buffer)
    {
        var (protocol, server) = account;
        var size = server.Address.Size;
        buffer.Clear();
        buffer[0] = (byte)protocol;
        server.Address.WriteTo(buffer[4..]);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[(4 + size)..], server.Port);
        return buffer[..(8 + size)];
    }

    private delegate void AccountHandler((Protocol, RealServer) account, NftElement element);

    private static void Read(NftConnection connection, NftFamily family, string set, Action restart, AccountHandler onAccount) =>
        connection.Elements(family, AccountShape.Table, set, restart, element =>
        {
            if (element.Key.Length is not (12 or 24))
                return;
            var port = BinaryPrimitives.ReadUInt16BigEndian(element.Key[^4..]);
            onAccount(((Protocol)element.Key[0], new RealServer(IpAddress.Read(element.Key[4..^4]), port)), element);
        });
}
