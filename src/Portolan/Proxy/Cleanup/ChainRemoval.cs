namespace Portolan.Proxy.Cleanup;

/// <summary>A rule that leads from one chain to another.</summary>
/// <param name="From">The chain with the rule.</param>
/// <param name="To">Where it leads.</param>
/// <param name="Rule">What its table knows the rule by.</param>
internal readonly record struct ChainReference(string From, string To, ulong Rule);

/// <summary>What of a table of iptables goes with kube-proxy.</summary>
/// <param name="Entries">The rules of built-in chains that lead into kube-proxy's chains.</param>
/// <param name="Chains">Its chains.</param>
/// <param name="Kept">Somebody else's rules that lead to chains of kube-proxy; those, and the chains that they lead to, stay as they are.</param>
internal sealed record ChainRemoval(IReadOnlyList<ChainReference> Entries, IReadOnlyList<string> Chains, IReadOnlyList<ChainReference> Kept)
{
    internal bool IsEmpty => Entries.Count == 0 && Chains.Count == 0;

    /// <summary>Whether packets that this host forwards were accepted by a chain that goes.</summary>
    internal bool TakesForwardAccept => Entries.Any(entry => entry.To == KubeProxyChains.Forward);

    /// <param name="table">The table's name.</param>
    /// <param name="chains">Every chain of the table.</param>
    /// <param name="references">Every rule that leads to another chain.</param>
    internal static ChainRemoval Of(string table, IEnumerable<string> chains, IReadOnlyCollection<ChainReference> references)
    {
        var own = chains.Where(chain => KubeProxyChains.Contains(table, chain)).ToHashSet();
        var entries = references.Where(reference => KubeProxyChains.IsEntry(table, reference.From, reference.To)).ToList();
        var kept = references.Where(reference => !own.Contains(reference.From) && own.Contains(reference.To) && !KubeProxyChains.IsEntry(table, reference.From, reference.To)).ToList();

        // What a chain that stays leads to has to stay, too.
        var leads = references.ToLookup(reference => reference.From, reference => reference.To);
        var stay = new Stack<string>(kept.Select(reference => reference.To));
        while (stay.TryPop(out var chain))
        {
            if (!own.Remove(chain))
                continue;
            foreach (var next in leads[chain])
                stay.Push(next);
        }

        return new ChainRemoval(entries, [.. own], kept);
    }
}
