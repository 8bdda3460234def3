namespace Portolan.Core.Announcements;

/// <summary>
/// The nodes as candidates for all Services that the same advertisements advertise under the same policy: what a thousand Services have in common
/// is worked out once.
/// </summary>
internal sealed class Electorate(IReadOnlyList<Layer2Advertisement> advertisements, AnnouncementPolicy policy, NodeTable nodes)
{
    private readonly Dictionary<int, IReadOnlyList<string>> _interfaces = [];
    private Candidate[] _candidates = [];
    private IReadOnlyList<AnsweringNode>? _answering;

    /// <summary>The advertisements.</summary>
    public IReadOnlyList<Layer2Advertisement> Advertisements => advertisements;

    /// <summary>The policy.</summary>
    public AnnouncementPolicy Policy => policy;

    /// <summary>Whether any advertisement restricts the interfaces.</summary>
    public bool NamesInterfaces { get; } = advertisements.Any(advertisement => advertisement.Interfaces.Count > 0);

    /// <summary>Whether the last <see cref="Update"/> changed anything.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>The candidates of the best rank, endpoints and single Services aside. Another array after every change.</summary>
    public NodeSet Best { get; private set; } = new([], 0);

    /// <summary>Those who would be, were all nodes up and well.</summary>
    public NodeSet Home { get; private set; } = new([], 0);

    /// <summary>All candidates that are as well as the best, whatever is preferred, by name; endpoints and single Services aside.</summary>
    public IReadOnlyList<AnsweringNode> Answering
    {
        get
        {
            if (_answering is not null)
                return _answering;
            var answering = new List<AnsweringNode>();
            var severity = BestSeverity;
            foreach (var number in nodes.ByName)
                if (_candidates[number].MayAnnounce && RankOf(number, NodeConditions.None).Severity == severity)
                    answering.Add(new AnsweringNode(nodes[number]!.Name, InterfacesOf(number)));
            return _answering = answering;
        }
    }

    /// <summary>A node by number: whether it may announce, and its rank unless a single Service says otherwise.</summary>
    public Candidate this[int node] => _candidates[node];

    /// <summary>Takes nodes, living speakers and reports as they are now.</summary>
    /// <param name="context">What is known of them.</param>
    /// <param name="haveNodesChanged">Nodes came or went since the last time: numbers may mean others.</param>
    public void Update(AnnouncementContext context, bool haveNodesChanged)
    {
        var candidates = new Candidate[nodes.Bound];
        foreach (var number in nodes.ByName)
        {
            var node = nodes[number]!;
            if (!Eligibility.IsConfigured(node, advertisements, context))
                continue;
            var report = context.Reports.GetValueOrDefault(node.Name) ?? NodeReport.Well;
            var mayAnnounce = Eligibility.Judge(node, advertisements, context) is WithdrawalReason.None;
            candidates[number] = new Candidate(true, mayAnnounce, Eligibility.Conditions(report, policy), report.Standing, Eligibility.Preference(node, advertisements, policy));
        }

        _interfaces.Clear();
        // Labels decide which advertisements' interfaces a node announces on.
        HasChanged = haveNodesChanged || NamesInterfaces || !SameFor(_candidates, candidates);
        _candidates = candidates;
        if (!HasChanged)
            return;
        _answering = null;
        Best = Foremost(number => _candidates[number].MayAnnounce, number => RankOf(number, NodeConditions.None));
        Home = Foremost(number => _candidates[number].IsConfigured, HomeRankOf);
    }

    /// <summary>The rank of a node at home: preference alone.</summary>
    public NodeRank HomeRankOf(int node) => new(0, 0, -_candidates[node].Preference);

    /// <summary>The rank of a candidate that has these conditions besides its own.</summary>
    public NodeRank RankOf(int node, NodeConditions more) =>
        NodeRank.Of(_candidates[node].Conditions | more, _candidates[node].Standing, _candidates[node].Preference);

    /// <summary>The interfaces on which a node announces; empty: all.</summary>
    public IReadOnlyList<string> InterfacesOf(int node)
    {
        if (!NamesInterfaces)
            return [];
        if (!_interfaces.TryGetValue(node, out var interfaces))
            _interfaces[node] = interfaces = AnnouncementPlan.InterfacesOf(nodes[node]!, advertisements);
        return interfaces;
    }

    private int BestSeverity => Array.IndexOf(Best.Members, true) is >= 0 and var best ? RankOf(best, NodeConditions.None).Severity : 0;

    private NodeSet Foremost(Func<int, bool> takesPart, Func<int, NodeRank> rankOf)
    {
        var (set, count, best) = (new bool[nodes.Bound], 0, default(NodeRank));
        foreach (var number in nodes.ByName)
        {
            if (!takesPart(number))
                continue;
            var rank = rankOf(number);
            var order = count == 0 ? -1 : rank.CompareTo(best);
            if (order > 0)
                continue;
            if (order < 0 && count > 0)
            {
                Array.Clear(set);
                count = 0;
            }

            (best, set[number], count) = (rank, true, count + 1);
        }

        return new NodeSet(set, count);
    }

    // The standing of a node that is well decides nothing; Services that it has not programmed are elected anew with every report.
    private static bool SameFor(Candidate[] left, Candidate[] right)
    {
        if (left.Length != right.Length)
            return false;
        for (var i = 0; i < left.Length; i++)
            if (left[i] != right[i] && (left[i] with { Standing = right[i].Standing } != right[i] || left[i].Conditions is not NodeConditions.None))
                return false;
        return true;
    }

    /// <summary>One node in it.</summary>
    internal readonly record struct Candidate(bool IsConfigured, bool MayAnnounce, NodeConditions Conditions, long Standing, int Preference);
}
