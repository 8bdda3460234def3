using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>Compares the table's constant part with what the kernel has, and writes the difference into a transaction.</summary>
internal static class ShapeInstaller
{
    /// <summary>Makes the kernel's table have every chain and set, and every chain exactly the rules, of the shape.</summary>
    /// <param name="connection">Reads the table.</param>
    /// <param name="family">The table's family.</param>
    /// <param name="table">The table.</param>
    /// <param name="wantedSets">The sets and maps the table should have.</param>
    /// <param name="wantedChains">The chains the table should have.</param>
    /// <param name="batch">Gets the changes.</param>
    /// <param name="rebuilt">Sets that hold nothing after the transaction, because they are new or had to be made again.</param>
    internal static void Repair(
        NftConnection connection, NftFamily family, string table, IReadOnlyList<NftSet> wantedSets, IReadOnlyList<ShapeChain> wantedChains, NftBatch batch, out HashSet<string> rebuilt)
    {
        rebuilt = [];
        var chains = connection.Chains(family, table).ToDictionary(chain => chain.Name);
        var sets = connection.Sets(family, table).ToDictionary(set => set.Name);
        var rules = connection.Rules(family, table).ToLookup(rule => rule.Chain);
        if (chains.Count == 0 && sets.Count == 0)
            batch.AddTable();

        // A chain or a set of another form than ours cannot be changed in place; nor can it be deleted while rules use it.
        var unlike = wantedSets.Any(set => sets.TryGetValue(set.Name, out var found) && found != set)
            || wantedChains.Any(chain => chains.TryGetValue(chain.Name, out var found) && !IsLike(found, chain));
        if (unlike)
        {
            batch.DeleteTable();
            batch.AddTable();
            chains.Clear();
            sets.Clear();
            rules = Array.Empty<NftRuleInfo>().ToLookup(rule => rule.Chain);
        }

        foreach (var set in wantedSets)
        {
            if (sets.ContainsKey(set.Name))
                continue;
            batch.AddSet(set);
            rebuilt.Add(set.Name);
        }

        DeleteUnwanted(LocalhostNodePorts.ChainNames.Where(chains.ContainsKey).Except(wantedChains.Select(chain => chain.Name)), batch);
        foreach (var chain in wantedChains)
            if (!chains.ContainsKey(chain.Name))
                AddChain(chain, batch);

        foreach (var chain in wantedChains)
        {
            if (Matches(chain, rules[chain.Name]))
                continue;
            if (rules[chain.Name].Any())
                batch.FlushChain(chain.Name);
            AddRules(chain, batch);
        }
    }

    // The rules of all of them first: they lead to each other.
    private static void DeleteUnwanted(IEnumerable<string> names, NftBatch batch)
    {
        var all = names.ToList();
        all.ForEach(batch.FlushChain);
        all.ForEach(batch.DeleteChain);
    }

    /// <summary>Adds a chain that the kernel does not have.</summary>
    internal static void Add(ShapeChain chain, NftBatch batch)
    {
        AddChain(chain, batch);
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
