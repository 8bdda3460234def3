namespace Portolan.Commands.Import;

/// <summary>The variables of an inventory, from as many files as were given; of two values the later counts, as with Ansible within one directory.</summary>
internal sealed class KubesprayVariables
{
    private static readonly string[] Prefixes = ["metallb_", "matallb_", "kube_proxy_", "kube_vip_", "cilium_", "calico_", "kube_router_"];

    // The role's defaults that inventories refer to.
    private static readonly Dictionary<string, string> Defaults = new(StringComparer.Ordinal) { ["metallb_enabled"] = "false", ["metallb_pool_name"] = KubesprayOldForm.DefaultPool, ["metallb_protocol"] = "layer2" };

    private readonly Dictionary<string, SourceEntry> _entries = new(StringComparer.Ordinal);

    public KubesprayVariables(IEnumerable<SourceMap> files, ImportNotices notices)
    {
        foreach (var entry in files.SelectMany(file => file.Entries))
        {
            if (_entries.TryGetValue(entry.Name, out var earlier) && Prefixes.Any(prefix => entry.Name.StartsWith(prefix, StringComparison.Ordinal)))
                notices.Warn(entry.Place, entry.Name, $"is set at {earlier.Place} too; this one counts");
            _entries[entry.Name] = entry;
        }

        Values = new ImportValues(name => _entries.GetValueOrDefault(name)?.Value ?? (Defaults.TryGetValue(name, out var text) ? new SourceScalar(text, true, null, default) : null), notices);
    }

    public ImportValues Values { get; }

    public IEnumerable<SourceEntry> Entries => _entries.Values;

    /// <summary>The first file, for what is said about none of its lines.</summary>
    public SourcePlace File => (_entries.Values.FirstOrDefault()?.Place ?? new SourcePlace("-", 0)) with { Line = 0 };

    /// <summary>The variable as written, or null when it is not there or has no value.</summary>
    public SourceEntry? Find(string name) => _entries.GetValueOrDefault(name) is { } entry && !SourceNode.IsNothing(entry.Value) ? entry : null;

    /// <summary>The variable even when it has no value.</summary>
    public SourceEntry? FindWritten(string name) => _entries.GetValueOrDefault(name);

    public SourceNode? Node(string name) => Find(name)?.Value;

    public bool? Boolean(string name) => Values.Boolean(Node(name), name);

    public string? Text(string name) => Values.Text(Node(name), name);
}
