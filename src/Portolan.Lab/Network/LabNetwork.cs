using Portolan.Lab.Supervision;

namespace Portolan.Lab.Network;

/// <summary>Puts a <see cref="Topology"/> on the machine and takes it away: a handful of <c>ip</c> processes whatever the number of nodes' links and routes.</summary>
internal sealed class LabNetwork(LabLayout layout, Topology topology)
{
    public async Task CreateAsync(CancellationToken cancel)
    {
        await NamedNamespaces.EnsureDirectoryAsync(cancel).ConfigureAwait(false);
        string[] names = [Topology.Switch, .. topology.Hosts.Select(h => h.Name)];
        await BatchAsync(null, names.Select(n => $"netns add {layout.Namespace(n)}"), cancel).ConfigureAwait(false);
        foreach (var name in names)
            NetworkNamespace.WriteSettings(LabLayout.NamespacePath(layout.Namespace(name)), Topology.Settings(name));

        await BatchAsync(Topology.Switch, [.. Topology.SwitchLines(), .. topology.Hosts.SelectMany(topology.CableLines)], cancel).ConfigureAwait(false);
        await Task.WhenAll(topology.Hosts.Select(h => BatchAsync(h.Name, topology.HostLines(h), cancel))).ConfigureAwait(false);
    }

    /// <summary>The host's cables go dead at once, whoever still runs.</summary>
    public Task CutAsync(LabHost host, CancellationToken cancel) => BatchAsync(Topology.Switch, host.Cables.Select(c => $"link set {c.SwitchPort} down"), cancel);

    public Task HealAsync(LabHost host, CancellationToken cancel) => BatchAsync(Topology.Switch, host.Cables.Select(c => $"link set {c.SwitchPort} up"), cancel);

    /// <summary>Puts the switch's rules in place of those it has; hosts' own tables are not touched.</summary>
    public Task ApplyRulesAsync(string rules, CancellationToken cancel) =>
        Tool.RunAsync("nsenter", [$"--net={LabLayout.NamespacePath(layout.Namespace(Topology.Switch))}", "--", "nft", "-f", "-"], rules, cancel);

    /// <summary>A host that was without power comes back with an empty kernel: no rules, no pods' links, no neighbours.</summary>
    public async Task ReplaceAsync(LabHost host, CancellationToken cancel)
    {
        var name = layout.Namespace(host.Name);
        await NamedNamespaces.DeleteAsync(n => n == name || n.StartsWith(name + "-", StringComparison.Ordinal), cancel).ConfigureAwait(false);
        await BatchAsync(null, [$"netns add {name}"], cancel).ConfigureAwait(false);
        NetworkNamespace.WriteSettings(LabLayout.NamespacePath(name), Topology.Settings(host.Name));
        // The old cable is pulled by hand: the kernel takes a dead namespace's links away in its own time, and the port's name is needed now.
        await Tool.TryRunAsync("ip", ["-force", "-n", layout.Namespace(Topology.Switch), "-batch", "-"], string.Concat(host.Cables.Select(c => $"link del {c.SwitchPort}\n")), cancel).ConfigureAwait(false);
        await BatchAsync(Topology.Switch, topology.CableLines(host), cancel).ConfigureAwait(false);
        await BatchAsync(host.Name, topology.HostLines(host), cancel).ConfigureAwait(false);
    }

    /// <summary>Removes every namespace that carries the lab's name, pods' included, however far its making had come.</summary>
    public static Task RemoveAsync(LabLayout layout, CancellationToken cancel) =>
        NamedNamespaces.DeleteAsync(n => n.StartsWith(layout.NamespacePrefix, StringComparison.Ordinal), cancel);

    private async Task BatchAsync(string? host, IEnumerable<string> lines, CancellationToken cancel)
    {
        string[] arguments = host is null ? ["-batch", "-"] : ["-n", layout.Namespace(host), "-batch", "-"];
        await Tool.RunAsync("ip", arguments, string.Join('\n', lines) + "\n", cancel).ConfigureAwait(false);
    }
}
