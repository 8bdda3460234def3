using Microsoft.Extensions.Logging;

using Portolan.Lab.Commands;
using Portolan.Lab.Network;
using Portolan.Lab.Network.Faults;

namespace Portolan.Lab.Supervision;

/// <summary>Breaks things on purpose, mends them, and knows what is broken. Not safe for concurrent use: the supervisor takes one command after the other.</summary>
internal sealed class FaultSwitch(LabLayout layout, Topology topology, IReadOnlyList<SupervisedProcess> processes, ILogger logger)
{
    private readonly LabNetwork _network = new(layout, topology);
    private readonly SortedSet<string> _off = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _cut = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _frozen = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, PacketLoss> _loss = new(StringComparer.Ordinal);
    private IReadOnlyList<IReadOnlyList<string>> _partition = [];

    public LabFaults Current => new([.. _off], [.. _cut], [.. _frozen], _partition, [.. _loss.Values]);

    /// <returns>Whether anything is different now.</returns>
    /// <exception cref="LabException">It cannot be done to the lab as it is.</exception>
    /// <exception cref="ToolFailedException">The kernel refused.</exception>
    public async Task<bool> PerformAsync(ControlRequest request, CancellationToken cancel)
    {
        var changed = await (request.Verb switch
        {
            "kill" => KillAsync(Host(request.Host), cancel),
            "start" => StartAsync(Host(request.Host), cancel),
            "cut" => CutAsync(Host(request.Host), cancel),
            "heal" => HealAsync(Host(request.Host), cancel),
            "heal-all" => HealAllAsync(cancel),
            "freeze" => FreezeAsync(Host(request.Host), cancel),
            "thaw" => ThawAsync(Host(request.Host), cancel),
            "partition" => PartitionAsync(request.Partition ?? [], cancel),
            "loss" => LoseAsync(request.Loss ?? throw new LabException("how much is to be lost?"), cancel),
            _ => throw new LabException($"unknown command '{request.Verb}'"),
        }).ConfigureAwait(false);
        if (changed)
            logger.LogInformation("{Verb} {Host}", request.Verb, request.Host ?? request.Loss?.ToString() ?? Partition.ToString(_partition));
        return changed;
    }

    private LabHost Host(string? name) => topology.Find(name ?? "")
        ?? throw new LabException($"there is no host '{name}': the hosts are {string.Join(", ", topology.Hosts.Select(h => h.Name))}");

    private IEnumerable<SupervisedProcess> ProcessesOf(LabHost host) => processes.Where(p => p.Process.Host == host.Name);

    private async Task<bool> KillAsync(LabHost host, CancellationToken cancel)
    {
        if (!_off.Add(host.Name))
            return false;
        // The cable first: a machine without power says no farewell.
        await _network.CutAsync(host, cancel).ConfigureAwait(false);
        var cgroup = layout.HostCgroup(host.Name);
        var kill = Cgroups.KillAsync(cgroup, cancel);
        await Task.WhenAll(ProcessesOf(host).Select(p => p.StopAsync())).ConfigureAwait(false);
        await kill.ConfigureAwait(false);
        await Cgroups.KillAsync(cgroup, cancel).ConfigureAwait(false);
        _cut.Remove(host.Name);
        if (_frozen.Remove(host.Name))
            await Cgroups.SetFrozenAsync(cgroup, false, cancel).ConfigureAwait(false);
        return true;
    }

    private async Task<bool> StartAsync(LabHost host, CancellationToken cancel)
    {
        if (!_off.Contains(host.Name))
            return false;
        await _network.ReplaceAsync(host, cancel).ConfigureAwait(false);
        foreach (var process in ProcessesOf(host))
            process.Start();
        return _off.Remove(host.Name);
    }

    private async Task<bool> CutAsync(LabHost host, CancellationToken cancel)
    {
        RequirePower(host);
        await _network.CutAsync(host, cancel).ConfigureAwait(false);
        return _cut.Add(host.Name);
    }

    private async Task<bool> HealAsync(LabHost host, CancellationToken cancel)
    {
        // A host without power has a dead cable; healing the cable alone would be half a start.
        RequirePower(host);
        await _network.HealAsync(host, cancel).ConfigureAwait(false);
        var lossless = !_loss.Remove(host.Name);
        if (!lossless)
            await ApplyRulesAsync(cancel).ConfigureAwait(false);
        return _cut.Remove(host.Name) || !lossless;
    }

    private async Task<bool> HealAllAsync(CancellationToken cancel)
    {
        var changed = _cut.Count > 0 || _loss.Count > 0 || _partition.Count > 0;
        foreach (var host in _cut.ToList())
        {
            await _network.HealAsync(Host(host), cancel).ConfigureAwait(false);
            _cut.Remove(host);
        }
        _loss.Clear();
        _partition = [];
        await ApplyRulesAsync(cancel).ConfigureAwait(false);
        return changed;
    }

    private async Task<bool> FreezeAsync(LabHost host, CancellationToken cancel)
    {
        RequirePower(host);
        await Cgroups.SetFrozenAsync(layout.HostCgroup(host.Name), true, cancel).ConfigureAwait(false);
        return _frozen.Add(host.Name);
    }

    private async Task<bool> ThawAsync(LabHost host, CancellationToken cancel)
    {
        RequirePower(host);
        await Cgroups.SetFrozenAsync(layout.HostCgroup(host.Name), false, cancel).ConfigureAwait(false);
        return _frozen.Remove(host.Name);
    }

    private async Task<bool> PartitionAsync(IReadOnlyList<IReadOnlyList<string>> groups, CancellationToken cancel)
    {
        foreach (var name in groups.SelectMany(g => g))
            Host(name);
        var changed = Partition.ToString(groups) != Partition.ToString(_partition);
        _partition = groups;
        await ApplyRulesAsync(cancel).ConfigureAwait(false);
        return changed;
    }

    private async Task<bool> LoseAsync(PacketLoss loss, CancellationToken cancel)
    {
        Host(loss.Host);
        if (loss.Received is < 0 or > PacketLoss.All || loss.Sent is < 0 or > PacketLoss.All)
            throw new LabException($"{loss.Host}: a loss is from 0% to 100%");
        var changed = _loss.GetValueOrDefault(loss.Host, new PacketLoss(loss.Host, 0, 0)) != loss;
        if (loss is { Received: 0, Sent: 0 })
            _loss.Remove(loss.Host);
        else
            _loss[loss.Host] = loss;
        await ApplyRulesAsync(cancel).ConfigureAwait(false);
        return changed;
    }

    private Task ApplyRulesAsync(CancellationToken cancel) => _network.ApplyRulesAsync(SwitchRules.Of(topology, _partition, [.. _loss.Values]), cancel);

    private void RequirePower(LabHost host)
    {
        if (_off.Contains(host.Name))
            throw new LabException($"{host.Name} is without power: portolan lab start {host.Name}");
    }
}
