using Microsoft.Extensions.Logging;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Ipvs;
using Portolan.Linux.Netlink;

namespace Portolan.Proxy.Ipvs;

/// <summary>
/// The virtual servers of both families: only what is different is sent. A real server that has connections is not deleted but gets no new ones until it has
/// none (weight 0). Everything is in the network namespace of the thread that made this.
/// </summary>
internal sealed class IpvsTable : IDisposable
{
    private const int FewServices = 16; // of more, the whole table is read quicker than one after the other
    private readonly IpvsConnection _connection;
    private readonly IpvsProcFile _file = new();
    private readonly IpvsBatch _batch;
    private readonly ILogger _log;
    private readonly HashSet<(IpvsServiceKey Service, IpvsServerKey Server)> _draining = [];
    private readonly HashSet<string> _missing = new(StringComparer.Ordinal);
    private IpvsSettings _settings;

    internal IpvsTable(IpvsConnection connection, IpvsSettings settings, ILogger log)
    {
        (_connection, _log) = (connection, log);
        _settings = settings with { Missing = _missing };
        _batch = connection.NewBatch();
    }

    /// <summary>What the virtual servers depend on besides the Services. A change takes effect with the next <see cref="Reconcile"/>.</summary>
    internal IpvsSettings Settings
    {
        get => _settings;
        set => _settings = value with { Missing = _missing };
    }

    /// <summary>Real servers that wait for the end of their connections.</summary>
    internal int Draining => _draining.Count;

    /// <summary>Sets how long connections are remembered; 0 leaves what there is.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal void Set(IpvsTimeouts timeouts)
    {
        if (timeouts != default)
            _connection.Set(timeouts);
    }

    /// <summary>Compares everything with the kernel and makes the difference.</summary>
    /// <param name="plans">Every plan in force, of both families.</param>
    /// <returns>The number of changes.</returns>
    /// <exception cref="NetlinkException">The kernel refused some of it; all the rest is done.</exception>
    internal int Reconcile(IEnumerable<ServicePortPlan> plans)
    {
        var wanted = new IpvsRows();
        foreach (var plan in plans)
            wanted.Add(plan, _settings);
        var found = _connection.Services().Where(IsOurs).ToList();
        var servers = found.Count > 0 ? _file.Read() : [];
        _draining.Clear();
        _batch.Clear();
        foreach (var service in found)
        {
            if (!wanted.Remove(service.Key, out var row))
            {
                _batch.Delete(service.Key);
                continue;
            }

            if (!IsSame(service, row.Service))
                _batch.Set(row.Service);
            Compare(service.Key, servers.GetValueOrDefault(service.Key) ?? [], row.Servers);
        }

        foreach (var row in wanted.Values)
            Add(row);
        return Send();
    }

    /// <summary>Takes away what is not wanted any more.</summary>
    /// <returns>The number of changes.</returns>
    /// <exception cref="NetlinkException">As for <see cref="Reconcile"/>.</exception>
    internal int Remove(IpvsRows before, IpvsRows after)
    {
        _batch.Clear();
        foreach (var key in before.Keys)
        {
            if (after.ContainsKey(key))
                continue;
            _batch.Delete(key);
            _draining.RemoveWhere(drained => drained.Service == key);
        }

        return Send();
    }

    /// <summary>Makes what is newly wanted, and changes what is wanted otherwise.</summary>
    /// <returns>The number of changes.</returns>
    /// <exception cref="NetlinkException">As for <see cref="Reconcile"/>.</exception>
    internal int Apply(IpvsRows before, IpvsRows after)
    {
        _batch.Clear();
        foreach (var (key, row) in after)
        {
            if (!before.TryGetValue(key, out var old))
            {
                Add(row);
                continue;
            }

            if (!IsSame(old.Service, row.Service))
                _batch.Set(row.Service);
            foreach (var (at, server) in row.Servers)
            {
                if (_draining.Remove((key, at)))
                    _batch.Set(key, server); // it is there, and wanted again
                else if (!old.Servers.TryGetValue(at, out var there))
                    _batch.Add(key, server);
                else if (!IsSame(there, server))
                    _batch.Set(key, server);
            }

            foreach (var (at, server) in old.Servers)
            {
                if (!row.Servers.ContainsKey(at))
                    Retire(key, server);
            }
        }

        var changes = Send();
        return changes + Drain();
    }

    /// <summary>Deletes the real servers whose last connection has ended.</summary>
    /// <returns>The number of changes.</returns>
    /// <exception cref="NetlinkException">As for <see cref="Reconcile"/>.</exception>
    internal int Drain()
    {
        if (_draining.Count == 0)
            return 0;
        _batch.Clear();
        var services = _draining.Select(drained => drained.Service).Distinct().ToList();
        var table = services.Count > FewServices ? _file.Read() : services.ToDictionary(service => service, _connection.Servers);
        foreach (var (service, at) in _draining.ToList())
        {
            var server = table.GetValueOrDefault(service)?.Find(server => server.Key == at);
            if (server is { ActiveConnections: > 0 } or { InactiveConnections: > 0 })
                continue;
            _draining.Remove((service, at));
            if (server is not null)
                _batch.Delete(service, at);
        }

        return Send();
    }

    /// <summary>The virtual servers that are ours or nobody's: all but those of a mark and those at addresses that were said to be somebody else's.</summary>
    internal bool IsOurs(IpvsService service) => service.Key.FirewallMark == 0 && !_settings.Excluded.Any(prefix => prefix.Contains(service.Key.Address()));

    public void Dispose()
    {
        _file.Dispose();
        _connection.Dispose();
    }

    private void Add((IpvsService Service, Dictionary<IpvsServerKey, IpvsServer> Servers) row)
    {
        _batch.Add(row.Service);
        foreach (var server in row.Servers.Values)
            _batch.Add(row.Service.Key, server);
    }

    private void Compare(in IpvsServiceKey service, List<IpvsServer> found, Dictionary<IpvsServerKey, IpvsServer> wanted)
    {
        foreach (var server in found)
        {
            if (!wanted.Remove(server.Key, out var row))
                Leave(service, server);
            else if (!IsSame(server, row))
                _batch.Set(service, row);
        }

        foreach (var server in wanted.Values)
            _batch.Add(service, server);
    }

    private void Leave(in IpvsServiceKey service, IpvsServer server)
    {
        if (server is { ActiveConnections: 0, InactiveConnections: 0 } || !Drains(service))
            _batch.Delete(service, server.Key);
        else if (server.Weight != 0)
            Retire(service, server);
        else
            _draining.Add((service, server.Key));
    }

    private void Retire(in IpvsServiceKey service, IpvsServer server)
    {
        if (!Drains(service))
        {
            _batch.Delete(service, server.Key);
            return;
        }

        _batch.Set(service, server with { Weight = 0 });
        _draining.Add((service, server.Key));
    }

    // Nothing tells the end of the other protocols' flows, and their next packet finds another real server.
    private static bool Drains(in IpvsServiceKey service) => service.Protocol == (byte)Protocol.Tcp;

    private static bool IsSame(IpvsService there, IpvsService wanted) => there.Scheduler == wanted.Scheduler && there.Flags == wanted.Flags && there.Timeout == wanted.Timeout
        && (there.PrefixLength == wanted.PrefixLength || !wanted.Flags.HasFlag(IpvsServiceFlags.Persistent)) && there.PersistenceEngine == wanted.PersistenceEngine;

    private static bool IsSame(IpvsServer there, IpvsServer wanted) => there.Weight == wanted.Weight && there.Forwarding == wanted.Forwarding;

    private int Send()
    {
        var refusals = _connection.Apply(_batch);
        IpvsRefusal? worst = null;
        foreach (var refusal in refusals)
        {
            // Gone by itself, or with its virtual server.
            if (refusal.IsDeletion && refusal.Errno is Errors.NoSuchProcess or Errors.NotFound)
                continue;
            worst ??= refusal;
            if (refusal is { Scheduler.Length: > 0, Errno: Errors.NotFound } && _missing.Add(refusal.Scheduler))
                _log.LogError("this kernel has no scheduler {Scheduler} (module ip_vs_{Module}): Services that ask for it are scheduled as others are", refusal.Scheduler, refusal.Scheduler);
        }

        return worst is { } failed ? throw new NetlinkException(failed.Operation, failed.Errno) : _batch.Count;
    }
}
