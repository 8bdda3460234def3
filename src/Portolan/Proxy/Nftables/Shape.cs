using System.Globalization;
using Portolan.Core.Addresses;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// What our table looks like before any Service is in it, and with all of them: the sets and maps are constant, Services and endpoints are elements
/// of them, and the number of chains follows not the Services but how different they are (<see cref="NeededVerdict"/>).
/// </summary>
/// <remarks>
/// <code>
/// fronts     address . protocol . port → later actions . entry action . source . real server set . source ranges (<see cref="FrontValue"/>)
/// nodeports            protocol . port → the same, for the node's own addresses
/// actions    action → goto pick-N | goto maglev-M | goto refuse | drop | goto source-ranges | goto external-local | goto affinity
/// endpoints  real server set . slot → address . port
/// </code>
/// A packet's front leads to the chain for its number of real servers; there the front gives the real server set, a random number the
/// slot, and both together the real server: an endpoint is stored once per set, however many fronts lead to it. The stages in between
/// (source ranges, inside or outside the cluster, affinity) are there for the fronts that need them, and each reads its own action.
/// Only the first packet of a connection comes here at all: every base chain is of type nat.
/// <para>
/// The modulus of a draw is written into its rule, so there is a chain for each number in use up to <see cref="FrontAction.ExactCounts"/>, and
/// beyond them a ladder of moduli a little too large: a draw that hits no slot misses the map, which ends that rule, and the next rule draws again.
/// Not for each possible number: the kernel looks at every rule that uses a map whenever an element is added to it.
/// </para>
/// <para>
/// Where a Service asks for maglev, its set has as many real servers as the table has slots, repeated, and a hash of the client's address
/// stands in for the random number; there is a chain for each of the few sizes.
/// </para>
/// <para>
/// Whose source address is replaced is decided here too, and carried to <c>postrouting</c> in a bit of the packet's mark, which is taken out there.
/// </para>
/// </remarks>
internal sealed class Shape
{
    internal const string Table = "portolan";

    /// <summary>The chain that only a table which leaves connections to IPVS has.</summary>
    internal const string LeavingChain = "leave-hide";

    internal const int SourcePriority = 100;        // NF_IP_PRI_NAT_SRC
    internal const int DestinationPriority = -100;  // NF_IP_PRI_NAT_DST

    private readonly ShapeRules _rules;
    private readonly LocalhostNodePorts? _localhost;
    private readonly bool _leavesToIpvs;

    internal Shape(NftFamily family, TableSettings settings)
    {
        _rules = new ShapeRules(family, settings);
        _leavesToIpvs = settings.LeavesToIpvs;
        _localhost = LocalhostNodePorts.From(family, _rules, settings);
        Sets = ShapeSets.Of(family, settings);
        Chains = [.. BaseChains(), .. StageChains(), .. MarkedChains(), .. _localhost?.Chains() ?? []];
        Verdicts = ShapeVerdicts.Constant(_leavesToIpvs);
    }

    internal IReadOnlyList<NftSet> Sets { get; }

    /// <summary>The same, and those that grow with the Services must not have a limit.</summary>
    internal IReadOnlyList<NftSet> UnlimitedSets => [.. Sets.Select(set => ShapeSets.GrowsWithServices(set.Name) ? set with { Size = ShapeSets.Unlimited } : set)];

    internal IReadOnlyList<ShapeChain> Chains { get; }

    /// <summary>The loopback addresses that node ports answer at.</summary>
    internal IReadOnlyList<IpPrefix> LoopbackAddresses => _localhost is null ? [] : [_localhost.Addresses];

    /// <summary>The elements of the verdict maps, which are constant too.</summary>
    internal IReadOnlyDictionary<(string Map, uint Number), NftVerdict> Verdicts { get; }

    /// <summary>The chain that a time of session affinity needs while a Service has it.</summary>
    /// <param name="seconds">As <see cref="AffinityTime.Round"/> gives it.</param>
    internal ShapeChain RememberingChain(int seconds) => new(
        AffinityTime.Chain(seconds),
        [
            _rules.Remember(_rules.OriginalFront(ShapeRules.Word.Set), TimeSpan.FromSeconds(seconds)),
            _rules.Remember(_rules.OriginalNodePort(ShapeRules.Word.Set), TimeSpan.FromSeconds(seconds)),
        ]);

    /// <summary>
    /// The chain that brings a client back to its real server and gives it its whole time again; it goes on with the stage's general chain for a client
    /// that has none, or none any more. Made when a front first needs it.
    /// </summary>
    /// <param name="stage">One of the actions with affinity.</param>
    /// <param name="seconds">As <see cref="AffinityTime.Round"/> gives it.</param>
    /// <param name="isNodePort">For node ports.</param>
    internal ShapeChain ReturningChain(uint stage, int seconds, bool isNodePort)
    {
        var general = stage is FrontAction.ExternalLocalAffinity ? "external-local-affinity" : stage is FrontAction.AffinityMasquerade ? "affinity-hide" : "affinity";
        NftRule[] first = stage switch
        {
            FrontAction.ExternalLocalAffinity => Inside("internal-affinity"),
            FrontAction.AffinityMasquerade => [ShapeRules.Mark(new NftRule(), _rules.HideBit)],
            _ => [],
        };
        if (_leavesToIpvs)
            return new ShapeChain(Name(), [.. first, .. Next(FrontValue.ExternalMask, ShapeSets.ExternalActions, ShapeSets.NodePortExternalActions)]);
        return new ShapeChain(
            Name(),
            [
                .. first,
                _rules.ToRemembered(isNodePort ? _rules.NodePort(ShapeRules.Word.Set) : _rules.Front(ShapeRules.Word.Set), cluster: false, TimeSpan.FromSeconds(seconds)),
                new NftRule().Verdict(NftVerdictCode.Goto, "affinity"),
            ]);

        string Name() => $"{(isNodePort ? "node-" : "")}{general}-{seconds.ToString(CultureInfo.InvariantCulture)}";
    }

    // Clients inside the cluster go another way.
    private NftRule[] Inside(string chain) =>
    [
        .. _rules.DetectsPods ? [_rules.IsFromPod().Verdict(NftVerdictCode.Goto, chain)] : Array.Empty<NftRule>(),
        ShapeRules.Mark(_rules.IsFromNode(), _rules.HideBit).Verdict(NftVerdictCode.Goto, chain),
    ];

    /// <summary>The chain that chooses a real server, made when a front first needs it.</summary>
    /// <param name="choice">One of <see cref="FrontAction.Balance"/> or <see cref="FrontAction.Maglev"/>.</param>
    /// <param name="kind">Of which set, and what becomes of the client's address.</param>
    /// <param name="isNodePort">For node ports.</param>
    internal ShapeChain PickChain(uint choice, PickKind kind, bool isNodePort)
    {
        var draws = FrontAction.Draws(choice);
        var number = (draws is null ? FrontAction.MaglevSize(choice) : draws[0]).ToString(CultureInfo.InvariantCulture);
        var name = (isNodePort ? "node-" : "") + kind switch { PickKind.Plain => "pick-", PickKind.Masquerade => "hide-", _ => "internal-" };
        var rules = draws is null
            ? [_rules.ByClient(Front(), FrontAction.MaglevSize(choice), kind)]
            : draws.Select(draw => _rules.Draw(Front(), draw, kind));

        // The last rule is for a packet on its way while the set shrinks: a connection that begins with a drop tries again,
        // one that begins untranslated is stuck with it.
        return new ShapeChain(name + (draws is null ? "maglev-" : "") + number, [.. rules, new NftRule().Verdict(NftVerdictCode.Drop)]);

        NftRule Front() => isNodePort ? _rules.NodePort(ShapeRules.Word.Set) : _rules.Front(ShapeRules.Word.Set);
    }

    /// <summary>Whether a chain is one of those that are made when they are first needed.</summary>
    internal static bool IsOnDemand(string chain)
    {
        string[] prefixes = ["node-", "pick-", "hide-", "internal-", "affinity-", "external-local-affinity-", "remember-"];
        return Array.Exists(prefixes, prefix => chain.StartsWith(prefix, StringComparison.Ordinal)) && char.IsAsciiDigit(chain[^1]);
    }

    private IEnumerable<ShapeChain> BaseChains()
    {
        // Fronts come before node ports: an address of a Service may be an address of the node.
        NftRule[] fronts =
        [
            .. _rules.DetectsPods ? [ShapeRules.Mark(_rules.IsToClusterIP(_rules.IsFromPod(not: true)), _rules.HideBit).Saying("ClusterIPs from outside the pods")] : Array.Empty<NftRule>(),
            _rules.Front(ShapeRules.Word.Entry).VerdictMap(ShapeSets.Actions, _rules.At(ShapeRules.Word.Entry)).Saying("addresses of Services"),
        ];
        NftRule[] others =
        [
            // Before node ports: where IPVS forwards, all of these are the node's own. What it answers itself is left to it: an echo.
            .. _leavesToIpvs ? [_rules.HasPorts(_rules.Destination(0).InSet(ShapeSets.Addresses, 0)).Verdict(NftVerdictCode.Goto, "refuse").Saying("ports without a Service")] : Array.Empty<NftRule>(),
            _rules.IsNodeAddress(_rules.NodePort(ShapeRules.Word.Entry)).VerdictMap(ShapeSets.NodePortActions, _rules.At(ShapeRules.Word.Entry)).Saying("node ports"),
            // What is left for an address of ours would leave by the default route and come back: it is announced as being here.
            .. _leavesToIpvs ? [] : new[] { _rules.IsForeignDestination(_rules.Destination(0).InSet(ShapeSets.Addresses, 0)).Verdict(NftVerdictCode.Goto, "refuse").Saying("ports without a Service") },
            _rules.Destination(0).InSet(ShapeSets.ServiceCidrs, 0).Verdict(NftVerdictCode.Drop).Saying("addresses without a Service"),
        ];
        var ours = _rules.HideBit | _rules.RememberBit;
        NftRule[] outsiders = _localhost is null ? [] : [_localhost.KeepOut()];
        yield return new ShapeChain("prerouting", [.. fronts, .. outsiders, .. others], NftHook.Prerouting, DestinationPriority);
        // Where the address of a Service is the node's own, the kernel gives the node's connections to it that address as their source, too: nobody could answer that.
        NftRule[] own = _leavesToIpvs ? [ShapeRules.Mark(_rules.IsFromServiceAddress(), _rules.HideBit).Saying("from an address of a Service")] : [];
        yield return new ShapeChain("output", [.. own, .. fronts, .. others], NftHook.Output, DestinationPriority);
        yield return new ShapeChain(
            "postrouting",
            [ShapeRules.IsMarked(ours).Verdict(NftVerdictCode.Goto, "marked"), _rules.IsHairpin().Masquerade()],
            NftHook.Postrouting,
            SourcePriority);

        // A real server on this node itself is reached without postrouting.
        yield return new ShapeChain("input", [ShapeRules.IsMarked(ours).Verdict(NftVerdictCode.Goto, "marked-local")], NftHook.Input, SourcePriority);
    }

    private IEnumerable<ShapeChain> MarkedChains()
    {
        // What IPVS translates the kernel does not call so.
        NftRule[] untranslated = _leavesToIpvs ? [] : [_rules.IsUntranslated().Verdict(NftVerdictCode.Return)];
        yield return new ShapeChain("marked",
        [
            .. untranslated,
            _rules.Unmark(ShapeRules.IsUnmarked(_rules.RememberBit)).Masquerade(),
            new NftRule().Verdict(NftVerdictCode.Jump, "remember"),
            _rules.Unmark(ShapeRules.IsMarked(_rules.HideBit)).Masquerade(),
            _rules.Unmark(new NftRule()),
            _rules.IsHairpin().Masquerade(),
        ]);
        yield return new ShapeChain("marked-local",
        [
            .. untranslated,
            ShapeRules.IsMarked(_rules.RememberBit).Verdict(NftVerdictCode.Jump, "remember"),
            _rules.Unmark(new NftRule()),
        ]);
        var seconds = _rules.At(ShapeRules.Word.Affinity);
        yield return new ShapeChain("remember",
        [
            _rules.OriginalFront(ShapeRules.Word.Affinity).VerdictMap(ShapeSets.AffinityTimes, seconds).Saying("by the address connected to"),
            _rules.OriginalNodePort(ShapeRules.Word.Affinity).VerdictMap(ShapeSets.AffinityTimes, seconds).Saying("by the node port connected to"),
        ]);
    }

    private IEnumerable<ShapeChain> StageChains()
    {
        yield return new ShapeChain("refuse", [.. _localhost?.BeforeRefusal() ?? [], _rules.Refuse()]);
        if (_leavesToIpvs)
            yield return new ShapeChain(LeavingChain, [ShapeRules.Mark(new NftRule(), _rules.HideBit).Verdict(NftVerdictCode.Accept)]);
        yield return new ShapeChain("source-ranges",
        [
            _rules.Later(_rules.IsInRanges(_rules.Front(ShapeRules.Word.Ranges)), FrontValue.FilteredMask, ShapeSets.FilteredActions),
            new NftRule().Verdict(NftVerdictCode.Drop),
        ]);
        foreach (var affinity in (bool[])[false, true])
        {
            var (name, inside) = affinity ? ("external-local-affinity", "internal-affinity") : ("external-local", "internal");
            yield return new ShapeChain(name,
            [
                .. Inside(inside),
                .. affinity && !_leavesToIpvs ? [new NftRule().Verdict(NftVerdictCode.Goto, "affinity")] : Next(FrontValue.ExternalMask, ShapeSets.ExternalActions, ShapeSets.NodePortExternalActions),
            ]);
        }

        yield return new ShapeChain("internal", [.. Next(FrontValue.InternalMask, ShapeSets.InternalActions, ShapeSets.NodePortInternalActions)]);
        yield return new ShapeChain("affinity-hide", [ShapeRules.Mark(new NftRule(), _rules.HideBit).Verdict(NftVerdictCode.Goto, "affinity")]);
        yield return GeneralReturningChain("affinity", cluster: false, FrontValue.ExternalMask, ShapeSets.ExternalActions, ShapeSets.NodePortExternalActions);
        yield return GeneralReturningChain("internal-affinity", cluster: true, FrontValue.InternalMask, ShapeSets.InternalActions, ShapeSets.NodePortInternalActions);
    }

    private IEnumerable<NftRule> Next(uint mask, string map, string nodePortMap)
    {
        yield return _rules.Later(_rules.Front(ShapeRules.Word.Later), mask, map);
        yield return _rules.Later(_rules.NodePort(ShapeRules.Word.Later), mask, nodePortMap);
    }

    // A port number may be both a front's and another Service's node port: what belongs to a front is done with before node ports are looked at.
    private ShapeChain GeneralReturningChain(string name, bool cluster, uint mask, string map, string nodePortMap)
    {
        return new ShapeChain(name, [ShapeRules.Mark(new NftRule(), _rules.RememberBit), .. Of(_rules.Front, map), .. Of(_rules.NodePort, nodePortMap)]);

        IEnumerable<NftRule> Of(Func<ShapeRules.Word, NftRule> front, string next)
        {
            yield return _rules.ToRemembered(front(ShapeRules.Word.Set), cluster);
            yield return _rules.Forget(front(ShapeRules.Word.Set));
            yield return _rules.Later(front(ShapeRules.Word.Later), mask, next);
        }
    }
}
