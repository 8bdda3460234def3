using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>Compares the table's sets, chains and rules with what the kernel has, and writes the difference into a transaction.</summary>
internal sealed class ShapeInstaller
{
    private readonly Dictionary<string, NftChainInfo> _chains;
    private readonly Dictionary<string, NftSet> _sets;
    private readonly ILookup<string, NftRuleInfo> _rules;
    private readonly IReadOnlyList<NftSet> _wantedSets;
    private readonly IReadOnlyList<ShapeChain> _wantedChains;

    private ShapeInstaller(NftConnection connection, NftFamily family, string table, IReadOnlyList<NftSet> sets, IReadOnlyList<ShapeChain> chains)
    {
        _wantedSets = sets;
        _wantedChains = chains;
        _chains = connection.Chains(family, table).ToDictionary(chain => chain.Name);
        _sets = connection.Sets(family, table).ToDictionary(set => set.Name);
        _rules = connection.Rules(family, table).ToLookup(rule => rule.Chain);
    }

    /// <summary>Reads what the kernel has.</summary>
    /// <param name="connection">Reads the table.</param>
    /// <param name="family">The table's family.</param>
    /// <param name="table">The table.</param>
    /// <param name="sets">The sets and maps the table should have.</param>
    /// <param name="chains">The chains it should have whatever is in them.</param>
    internal static ShapeInstaller Read(NftConnection connection, NftFamily family, string table, IReadOnlyList<NftSet> sets, IReadOnlyList<ShapeChain> chains) =>
        new(connection, family, table, sets, chains);

    /// <summary>
    /// Nothing of ours is there that can stay: no set at all, or a chain or a set of another form than ours, which cannot be changed in place nor
    /// deleted while rules use it.
    /// </summary>
    internal bool StartsAnew => _sets.Count == 0
        || _wantedSets.Any(set => _sets.TryGetValue(set.Name, out var found) && !IsLike(found, set))
        || _wantedChains.Any(chain => _chains.TryGetValue(chain.Name, out var found) && !IsLike(found, chain));

    /// <summary>Whether a set of the kernel's stays, with what is in it.</summary>
    internal bool Has(string set) => !StartsAnew && _sets.ContainsKey(set);

    /// <summary>Makes the table have every set and chain of the shape and the chains on demand, and every chain exactly its rules.</summary>
    /// <param name="onDemand">The chains on demand that are needed.</param>
    /// <param name="keep">Chains that the kernel's elements lead to: they cannot go yet.</param>
    /// <param name="batch">Gets the changes.</param>
    internal void Write(IEnumerable<ShapeChain> onDemand, IEnumerable<string?> keep, NftBatch batch)
    {
        var anew = StartsAnew;
        if (anew && (_sets.Count > 0 || _chains.Count > 0))
            batch.DeleteTable();
        if (anew)
            batch.AddTable();
        foreach (var set in _wantedSets)
        {
            if (anew || !_sets.ContainsKey(set.Name))
                batch.AddSet(ShapeSets.IsUnlimited(set) ? set with { Size = 0 } : set); // the kernel would make room for what it is told
        }

        if (!anew)
            DeleteUnwanted(LocalhostNodePorts.ChainNames.Where(_chains.ContainsKey).Except(_wantedChains.Select(chain => chain.Name)), batch);
        // A chain may be led to by several maps.
        var wanted = _wantedChains.Concat(onDemand).DistinctBy(chain => chain.Name).ToList();
        foreach (var chain in wanted)
        {
            if (anew || !_chains.ContainsKey(chain.Name))
                AddChain(chain, batch);
        }

        foreach (var chain in wanted)
        {
            if (!anew && Matches(chain, _rules[chain.Name]))
                continue;
            if (!anew && _rules[chain.Name].Any())
                batch.FlushChain(chain.Name);
            AddRules(chain, batch);
        }

        if (anew)
            return;

        // Before Linux 6.2 a chain cannot go in the transaction that takes away what leads to it: it goes the next time.
        var needed = wanted.Select(chain => chain.Name).Concat(keep).ToHashSet();
        Left.AddRange(_chains.Keys.Where(name => (Shape.IsOnDemand(name) || name == Shape.LeavingChain) && !needed.Contains(name)));
    }

    /// <summary>After <see cref="Write"/>: chains on demand that the kernel has, nothing needs and nothing of ours leads to.</summary>
    internal List<string> Left { get; } = [];

    // The rules of all of them first: they lead to each other.
    private static void DeleteUnwanted(IEnumerable<string> names, NftBatch batch)
    {
        var all = names.ToList();
        all.ForEach(batch.FlushChain);
        all.ForEach(batch.DeleteChain);
    }

    /// <summary>Adds a chain, which may be left from when it was needed before.</summary>
    internal static void Add(ShapeChain chain, NftBatch batch)
    {
        AddChain(chain, batch);
        batch.FlushChain(chain.Name);
        AddRules(chain, batch);
    }

    private static void AddChain(ShapeChain chain, NftBatch batch)
    {
        if (chain is { Hook: { } filterHook, IsFilter: true })
            batch.AddFilterChain(chain.Name, filterHook, chain.Priority);
        else if (chain.Hook is { } hook)
            batch.AddNatChain(chain.Name, hook, chain.Priority);
        else
            batch.AddChain(chain.Name);
    }

    private static void AddRules(ShapeChain chain, NftBatch batch)
    {
        foreach (var rule in chain.Rules)
            batch.AddRule(chain.Name, rule, ShapeChain.UserData(rule));
    }

    // One that grows with the Services may be of any size until it is full.
    private static bool IsLike(NftSet found, NftSet wanted) =>
        ShapeSets.GrowsWithServices(wanted.Name) ? (wanted.Size != ShapeSets.Unlimited || ShapeSets.IsUnlimited(found)) && found with { Size = wanted.Size } == wanted : found == wanted;

    private static bool IsLike(NftChainInfo found, ShapeChain wanted) =>
        found.Hook == wanted.Hook && (wanted.Hook is null || (found.Priority == wanted.Priority && found.Type == (wanted.IsFilter ? "filter" : "nat")));

    private static bool Matches(ShapeChain chain, IEnumerable<NftRuleInfo> found) =>
        found.Select(rule => rule.UserData).SequenceEqual(chain.Rules.Select(ShapeChain.UserData), ByteArrays.Instance);

    private sealed class ByteArrays : IEqualityComparer<byte[]>
    {
        internal static readonly ByteArrays Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }
}
