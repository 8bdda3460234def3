namespace Portolan.Proxy.Nftables;

/// <summary>The maps whose elements are verdicts, in the order of <see cref="ShapeSets.VerdictMaps"/>.</summary>
internal enum VerdictMap
{
    /// <summary>What to do first at a front.</summary>
    Actions,

    /// <summary>What to do for clients within the source ranges.</summary>
    FilteredActions,

    /// <summary>What to do for clients outside the cluster, or whose affinity leads nowhere.</summary>
    ExternalActions,

    /// <summary>What to do for clients inside.</summary>
    InternalActions,

    /// <summary>As <see cref="Actions"/>, at a node port.</summary>
    NodePortActions,

    /// <summary>As <see cref="ExternalActions"/>, at a node port.</summary>
    NodePortExternalActions,

    /// <summary>As <see cref="InternalActions"/>, at a node port.</summary>
    NodePortInternalActions,

    /// <summary>How to remember a client for so many seconds.</summary>
    AffinityTimes,
}

/// <summary>An element of a verdict map that is made, with the chain it leads to, when a front first needs it.</summary>
/// <param name="Map">Which map.</param>
/// <param name="Number">Its key there.</param>
internal readonly record struct NeededVerdict(VerdictMap Map, uint Number)
{
    /// <summary>Tells what a front needs that is not known yet.</summary>
    /// <param name="isNodePort">Whether the front is a node port.</param>
    /// <param name="value">What the front is mapped to.</param>
    /// <param name="known">What was needed before; gets what is new.</param>
    /// <param name="news">Gets what is new.</param>
    internal static void Collect(bool isNodePort, in FrontValue value, HashSet<NeededVerdict> known, List<NeededVerdict> news)
    {
        var entries = isNodePort ? VerdictMap.NodePortActions : VerdictMap.Actions;
        if (FrontAction.Time(value.Entry) > 0)
            Add(new NeededVerdict(entries, value.Entry));
        else
            Action(entries, value.Entry, 0);
        if (value.Later != 0)
        {
            Action(VerdictMap.FilteredActions, (value.Later & FrontValue.FilteredMask) >> 16, 16);
            Action(isNodePort ? VerdictMap.NodePortExternalActions : VerdictMap.ExternalActions, (value.Later & FrontValue.ExternalMask) >> 8, 8);
            Action(isNodePort ? VerdictMap.NodePortInternalActions : VerdictMap.InternalActions, value.Later & FrontValue.InternalMask, 0);
        }

        if (value.Affinity != 0)
            Add(new NeededVerdict(VerdictMap.AffinityTimes, value.Affinity));

        void Action(VerdictMap map, uint action, int shift)
        {
            if (FrontAction.IsChoice(action))
                Add(new NeededVerdict(map, action << shift));
        }

        void Add(NeededVerdict verdict)
        {
            if (known.Add(verdict))
                news.Add(verdict);
        }
    }

    /// <summary>Reads an element of the kernel's back.</summary>
    /// <returns>Null where none of ours could be so.</returns>
    internal static NeededVerdict? From(string map, uint number)
    {
        var index = Array.IndexOf(ShapeSets.VerdictMaps, map);
        if (index < 0)
            return null;
        var verdict = new NeededVerdict((VerdictMap)index, number);
        if (verdict.Map is VerdictMap.AffinityTimes)
            return AffinityTime.IsRound(number) ? verdict : null;
        if (verdict.HasTime)
        {
            var isStage = FrontAction.WithTime(FrontAction.Stage(number), FrontAction.Time(number)) == number;
            return isStage && AffinityTime.IsRound((uint)FrontAction.Time(number)) ? verdict : null;
        }

        return FrontAction.IsChoice(number >> verdict.Shift) && number >> verdict.Shift << verdict.Shift == number ? verdict : null;
    }

    private bool HasTime => Map is VerdictMap.Actions or VerdictMap.NodePortActions && FrontAction.Time(Number) > 0;

    private int Shift => Map switch
    {
        VerdictMap.FilteredActions => 16,
        VerdictMap.ExternalActions or VerdictMap.NodePortExternalActions => 8,
        _ => 0,
    };

    /// <summary>Where the element leads.</summary>
    internal ShapeChain Chain(Shape shape) => Map switch
    {
        VerdictMap.AffinityTimes => shape.RememberingChain((int)Number),
        _ when HasTime => shape.ReturningChain(FrontAction.Stage(Number), FrontAction.Time(Number), Map is VerdictMap.NodePortActions),
        _ => Pick(shape, Number >> Shift),
    };

    private ShapeChain Pick(Shape shape, uint action)
    {
        var kind = Map is VerdictMap.InternalActions or VerdictMap.NodePortInternalActions ? PickKind.Internal
            : FrontAction.Choice(action) != action ? PickKind.Masquerade
            : PickKind.Plain;
        return shape.PickChain(FrontAction.Choice(action), kind, Map >= VerdictMap.NodePortActions);
    }
}
