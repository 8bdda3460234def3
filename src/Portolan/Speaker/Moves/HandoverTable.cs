using Portolan.Core.Addresses;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;

namespace Portolan.Speaker.Moves;

/// <summary>
/// Hands over packets in the kernel, for one family, in the network namespace of the thread that made it. The table is there only while something is
/// handed over, because its rules make the kernel track connections. What is in it expires by itself, so a speaker that dies or ends leaves no more
/// than an empty table. One caller at a time; times are microseconds.
/// </summary>
internal sealed class HandoverTable : IDisposable
{
    /// <summary>How long an address is handed over after the last packet that was.</summary>
    internal static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    private const string LooseFile = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";

    private readonly NftConnection _nftables = NftConnection.Open();
    private readonly NftBatch _batch;
    private readonly HandoverShape _shape;
    private readonly HashSet<IpAddress> _written = [];
    private readonly NftFamily _family;
    private readonly TimeSpan _idle;
    private bool _exists;

    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public HandoverTable(IpFamily family)
        : this(family, Idle)
    {
    }

    internal HandoverTable(IpFamily family, TimeSpan idle)
    {
        _idle = idle;
        _family = family is IpFamily.IPv4 ? NftFamily.Ip : NftFamily.Ip6;
        _batch = new NftBatch(_family, HandoverShape.Table);
        _shape = new HandoverShape(_family, picksUpConnections: !File.Exists(LooseFile) || !File.ReadAllText(LooseFile).StartsWith('0'), idle);
    }

    /// <summary>Begins to hand over some addresses more, in one transaction.</summary>
    /// <param name="added">The new ones, which may be among those before, with another holder or another end.</param>
    /// <param name="all">Everything that is handed over from now on, the new ones included.</param>
    /// <param name="now">The present.</param>
    /// <exception cref="NetlinkException">The kernel refused: nothing has changed.</exception>
    public void Add(IReadOnlyCollection<Handover> added, IReadOnlyCollection<Handover> all, long now) =>
        Write(added.Any(move => _written.Contains(move.Address)) ? null : added, all, now);

    /// <summary>Hands over exactly these addresses. Without any the table goes.</summary>
    /// <exception cref="NetlinkException">The kernel refused: nothing has changed.</exception>
    public void Set(IReadOnlyCollection<Handover> all, long now)
    {
        if (all.Count > 0)
            Write(null, all, now);
        else
            Delete();
    }

    /// <summary>Deletes the table, whoever made it.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Delete()
    {
        if (!_nftables.HasTable(_family, HandoverShape.Table))
            return;
        _batch.Reset();
        _batch.DeleteTable();
        _nftables.Commit(_batch, $"delete table {HandoverShape.Table}");
        _exists = false;
        _written.Clear();
    }

    public void Dispose() => _nftables.Dispose();

    // Elements expire when the kernel says so. One that may be there or not cannot be replaced alone: all are, at once, and no packet sees a gap.
    private void Write(IReadOnlyCollection<Handover>? added, IReadOnlyCollection<Handover> all, long now)
    {
        try
        {
            Commit(added, all, now);
        }
        catch (NetlinkException refusal) when (refusal.IsNotFound && _exists)
        {
            // Somebody has deleted the table.
            _exists = false;
            Commit(null, all, now);
        }
    }

    private void Commit(IReadOnlyCollection<Handover>? added, IReadOnlyCollection<Handover> all, long now)
    {
        var isAddition = _exists && added is not null;
        _batch.Reset();
        if (!_exists)
        {
            _shape.Create(_batch);
        }
        else if (!isAddition)
        {
            _batch.FlushSet(HandoverShape.Moved);
            _batch.FlushSet(HandoverShape.InUse);
        }

        var elements = (isAddition ? added! : all).Where(move => move.Until > now).ToList();
        Span<byte> key = stackalloc byte[16], holder = stackalloc byte[16];
        foreach (var move in elements)
        {
            move.Address.WriteTo(key);
            move.Holder.WriteTo(holder);
            _batch.AddElement(HandoverShape.Moved, key[..move.Address.Size], holder[..move.Holder.Size], TimeSpan.FromMicroseconds(move.Until - now));
        }

        foreach (var move in elements)
        {
            move.Address.WriteTo(key);
            _batch.AddElement(HandoverShape.InUse, key[..move.Address.Size], [], _idle);
        }

        _nftables.Commit(_batch, "hand packets over to where an address was");
        _exists = true;
        if (!isAddition)
            _written.Clear();
        foreach (var move in elements)
            _written.Add(move.Address);
    }
}
