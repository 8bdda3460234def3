using System.Globalization;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Forwarding;

/// <summary>How a real server is chosen for a new connection.</summary>
public enum Scheduler : byte
{
    /// <summary>At random, by weight: what every proxy of Kubernetes does.</summary>
    Random,

    /// <summary>By a hash of the client's address: the same client gets the same real server from every node, and keeps it when others come or go.</summary>
    Maglev,
}

/// <summary>What a Service's annotations ask for beyond what Kubernetes has fields for. Without them everything is as with kube-proxy.</summary>
public sealed class Scheduling
{
    /// <summary><c>random</c>, <c>maglev</c>, or one of IPVS's (<see cref="IpvsRequest.Schedulers"/>).</summary>
    public const string SchedulerAnnotation = "portolan.dev/scheduler";

    /// <summary>The number of slots of a maglev table: one of <see cref="MaglevTable.Sizes"/>.</summary>
    public const string TableSizeAnnotation = "portolan.dev/maglev-table-size";

    /// <summary><c>zone/a=3,node/n1=0</c>: weights of the endpoints of a zone or a node; a node's own counts more than its zone's; 1 where nothing is said.</summary>
    public const string WeightsAnnotation = "portolan.dev/weights";

    /// <summary>How long a new endpoint takes to its full weight, e.g. <c>30s</c>.</summary>
    public const string SlowStartAnnotation = "portolan.dev/slow-start";

    /// <summary>The greatest weight.</summary>
    public const int MaxWeight = 100;

    private const string ZonePrefix = "zone/";
    private const string NodePrefix = "node/";
    private static readonly TimeSpan ShortestSlowStart = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestSlowStart = TimeSpan.FromHours(1);
    private readonly Dictionary<string, int> _zones = [];
    private readonly Dictionary<string, int> _nodes = [];

    private Scheduling()
    {
    }

    /// <summary>Nothing special is asked for.</summary>
    public static Scheduling Default { get; } = new();

    /// <summary>How a real server is chosen, where nftables forwards.</summary>
    public Scheduler Scheduler { get; private set; }

    /// <summary>What is asked of IPVS.</summary>
    public IpvsRequest Ipvs { get; private set; } = IpvsRequest.Default;

    /// <summary>The least number of slots of a maglev table.</summary>
    public int TableSize { get; private set; } = MaglevTable.DefaultSize;

    /// <summary>How long a new endpoint takes to its full weight: 1 s to 1 h; zero where it has it at once.</summary>
    public TimeSpan SlowStart { get; private set; }

    /// <summary>Annotations that say nothing of use; the Service is treated as if it did not have them.</summary>
    public IReadOnlyList<FieldError> Errors { get; private set; } = [];

    /// <summary>The same, and those that would be of use if IPVS forwarded.</summary>
    public IReadOnlyList<FieldError> ErrorsIn(ForwardingContext context) => context.IsIpvs || Ipvs == IpvsRequest.Default ? Errors : [.. Errors, .. WithoutIpvs()];

    private IEnumerable<FieldError> WithoutIpvs()
    {
        if (Ipvs.Scheduler is { } name and not ("mh" or "sh"))
            yield return Unused(SchedulerAnnotation, name);
        if (Ipvs.Flags is not IpvsRequestFlags.None)
            yield return Unused(IpvsRequest.FlagsAnnotation, $"{Ipvs.Flags}");
        if (Ipvs.Method is not IpvsForwardingMethod.Masquerade)
            yield return Unused(IpvsRequest.ForwardingAnnotation, $"{Ipvs.Method}");
    }

    private static FieldError Unused(string annotation, string value) => new($"metadata.annotations[{annotation}]", value, "is of IPVS, and this node's proxy forwards by nftables");

    /// <summary>Endpoints have weights by their place.</summary>
    internal bool HasWeights => _zones.Count > 0 || _nodes.Count > 0;

    /// <summary>The weight of an endpoint by its place: 0..<see cref="MaxWeight"/>.</summary>
    public int Weight(EndpointFacts endpoint) =>
        _nodes.TryGetValue(endpoint.NodeName, out var weight) || _zones.TryGetValue(endpoint.Zone, out weight) ? weight : 1;

    /// <summary>What the Service asks for.</summary>
    public static Scheduling Of(ServiceFacts service)
    {
        var annotations = service.Annotations;
        if (annotations.Count == 0)
            return Default;
        Scheduling? asked = null;
        if (annotations.TryGetValue(SchedulerAnnotation, out var scheduler))
            (asked ??= new Scheduling()).ReadScheduler(scheduler);
        if (annotations.TryGetValue(TableSizeAnnotation, out var size))
            (asked ??= new Scheduling()).ReadTableSize(size);
        if (annotations.TryGetValue(WeightsAnnotation, out var weights))
            (asked ??= new Scheduling()).ReadWeights(weights);
        if (annotations.TryGetValue(SlowStartAnnotation, out var slowStart))
            (asked ??= new Scheduling()).ReadSlowStart(slowStart);
        if (annotations.TryGetValue(IpvsRequest.FlagsAnnotation, out var flags))
            (asked ??= new Scheduling()).ReadFlags(flags);
        if (annotations.TryGetValue(IpvsRequest.ForwardingAnnotation, out var forwarding))
            (asked ??= new Scheduling()).ReadForwarding(forwarding);
        return asked ?? Default;
    }

    private void ReadFlags(string text)
    {
        if (IpvsRequest.ParseFlags(text) is { } flags)
            Ipvs = Ipvs with { Flags = flags };
        else
            Reject(IpvsRequest.FlagsAnnotation, text, "must be a list of fallback, port and one-packet");
    }

    private void ReadForwarding(string text)
    {
        if (Enum.TryParse<IpvsForwardingMethod>(text.Trim(), ignoreCase: true, out var method) && !char.IsAsciiDigit(text.Trim()[0]))
            Ipvs = Ipvs with { Method = method };
        else
            Reject(IpvsRequest.ForwardingAnnotation, text, "must be masquerade, direct or tunnel");
    }

    private void ReadScheduler(string text)
    {
        switch (text.Trim())
        {
            case "random":
                break;
            case "maglev":
                Scheduler = Scheduler.Maglev;
                Ipvs = Ipvs with { Scheduler = "mh" };
                break;
            case var name when IpvsRequest.Schedulers.Contains(name):
                Ipvs = Ipvs with { Scheduler = name };
                // The same thing under IPVS's names: the client's address decides.
                Scheduler = name is "mh" or "sh" ? Scheduler.Maglev : Scheduler.Random;
                break;
            default:
                Reject(SchedulerAnnotation, text, $"must be random, maglev or a scheduler of IPVS ({string.Join(", ", IpvsRequest.Schedulers)})");
                break;
        }
    }

    private void ReadTableSize(string text)
    {
        if (int.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var size) && MaglevTable.Sizes.Contains(size))
            TableSize = size;
        else
            Reject(TableSizeAnnotation, text, $"must be one of {string.Join(", ", MaglevTable.Sizes)}");
    }

    private void ReadSlowStart(string text)
    {
        if (GoDuration.TryParse(text.Trim(), out var time) && (time == TimeSpan.Zero || (time >= ShortestSlowStart && time <= LongestSlowStart)))
            SlowStart = time;
        else
            Reject(SlowStartAnnotation, text, "must be a duration of 1s to 1h, such as 30s");
    }

    private void ReadWeights(string text)
    {
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (WrongWeight(item) is not { } rule)
                continue;
            // Half of what somebody meant may be worse than none of it.
            _zones.Clear();
            _nodes.Clear();
            Reject(WeightsAnnotation, item, rule);
            return;
        }
    }

    private string? WrongWeight(string item)
    {
        var equals = item.LastIndexOf('=');
        var place = (equals < 0 ? item : item[..equals]).TrimEnd();
        var (weights, prefix) = place.StartsWith(ZonePrefix, StringComparison.Ordinal) ? (_zones, ZonePrefix)
            : place.StartsWith(NodePrefix, StringComparison.Ordinal) ? (_nodes, NodePrefix) : (null, "");
        if (weights is null || equals < 0 || place.Length == prefix.Length)
            return "must be zone/NAME=WEIGHT or node/NAME=WEIGHT";
        if (!int.TryParse(item.AsSpan(equals + 1).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var weight) || weight > MaxWeight)
            return $"a weight must be a number from 0 to {MaxWeight}";
        return weights.TryAdd(place[prefix.Length..], weight) ? null : "has a weight twice";
    }

    private void Reject(string annotation, string value, string rule) =>
        Errors = [.. Errors, new FieldError($"metadata.annotations[{annotation}]", value, rule)];
}
