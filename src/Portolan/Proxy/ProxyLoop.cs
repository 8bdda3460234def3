using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Hosting;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Configuration;

namespace Portolan.Proxy;

/// <summary>
/// The one loop that decides: events in, plans, transactions out. It programs nothing before everything was read once, so that a restart
/// never takes away what is there; a burst of events becomes one transaction; what the kernel refuses is compared with it and tried again.
/// </summary>
internal sealed class ProxyLoop
{
    /// <summary>
    /// Single elements that somebody else changed are put right after this long, unless <c>syncPeriod</c> says otherwise, so that a person
    /// who takes an element out by hand sees the effect; a table, chain or rule that goes missing is put back at once.
    /// </summary>
    internal static readonly TimeSpan ElementRepairDelay = TimeSpan.FromSeconds(30);

    /// <summary>So often those are looked at that wait for the end of their connections, while there are any.</summary>
    internal static readonly TimeSpan DrainPeriod = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _shortestPause = TimeSpan.FromMilliseconds(50);

    private readonly Channel<ProxyEvent> _events = Channel.CreateBounded<ProxyEvent>(new BoundedChannelOptions(1024) { SingleReader = true });
    private readonly TimeSpan _repairDelay = ElementRepairDelay;
    private readonly BackOff _backOff = new(_shortestPause, ElementRepairDelay);
    private readonly SyncPace _pace;
    private readonly ForwardingIndex _index;
    private readonly ProxyKernel _kernel;
    private readonly Readiness _readiness;
    private readonly ProxyReports? _reports;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly long _start; // what the index's time counts from
    private ProxySource _synced;
    private bool _isProgrammed; // the kernel has what we last told it
    private long _reconcileAt;
    private long _drainAt = long.MaxValue;

    internal ProxyLoop(ForwardingContext context, ProxyKernel kernel, Readiness readiness, TimeProvider time, ILogger log, ProxyReports? reports = null)
    {
        _index = new ForwardingIndex(context);
        _kernel = kernel;
        _readiness = readiness;
        _time = time;
        _pace = new SyncPace(TimeSpan.Zero, time);
        _start = time.GetTimestamp();
        _log = log;
        _reports = reports;
        if (reports is not null)
            kernel.Synced += reports.Sync;
        _reconcileAt = long.MaxValue;
        readiness.Await("forwarding", "not yet programmed");
    }

    /// <summary>How often the rules may change, and how long what the kernel refused may wait.</summary>
    internal ProxyOptions Options
    {
        init
        {
            _pace = new SyncPace(value.MinSyncPeriod, _time);
            _repairDelay = value.SyncPeriod;
            _backOff = new BackOff(_shortestPause, value.SyncPeriod);
        }
    }

    /// <summary>The settings on this node, as its Node changes; null: the kernel keeps those it was made with.</summary>
    internal NodeWatch? Node { get; init; }

    /// <summary>Is told what is wrong with a Service's annotations.</summary>
    internal Action<ServiceFacts, string>? WarnAbout { get; init; }

    /// <summary>Tells the loop something; waits where it has fallen behind.</summary>
    internal ValueTask PostAsync(ProxyEvent what, CancellationToken cancellationToken)
    {
        _reports?.Queue(what);
        return _events.Writer.WriteAsync(what, cancellationToken);
    }

    /// <summary>Runs until cancelled.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        // Whatever ended an earlier run, what the kernel has is not taken on trust.
        _isProgrammed = false;
        ReconcileIn(TimeSpan.Zero);
        while (true)
        {
            await WaitAsync(cancellationToken);
            while (_events.Reader.TryRead(out var what))
                Handle(what);
            _reports?.Take();
            if (!KnowsEnough || !_pace.Allows())
                continue;
            _index.Advance(_time.GetElapsedTime(_start));
            if (_reconcileAt <= _time.GetTimestamp())
                Program(Reconcile);
            else if (_isProgrammed)
                Program(ApplyChanges);
            if (_isProgrammed && _drainAt <= _time.GetTimestamp())
                Program(_kernel.Drain);
            _drainAt = !_kernel.IsDraining ? long.MaxValue : _drainAt > _time.GetTimestamp() && _drainAt != long.MaxValue ? _drainAt : After(_time.GetTimestamp(), DrainPeriod);
        }
    }

    private bool KnowsEnough => _synced == ProxySource.All && Node is not { Settings: null };

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        // While the kernel lacks what it was told last, more for a new endpoint has to wait.
        var next = _isProgrammed && _index.NextStep is { } step ? Math.Min(_reconcileAt, After(_start, step)) : _reconcileAt;
        next = Math.Min(next, _drainAt);
        if (_pace.IsHolding)
            next = _pace.Next;
        if (!KnowsEnough || next == long.MaxValue)
        {
            await _events.Reader.WaitToReadAsync(cancellationToken);
            return;
        }

        var delay = _time.GetElapsedTime(_time.GetTimestamp(), next);
        using var due = new CancellationTokenSource(delay > TimeSpan.Zero ? delay : TimeSpan.Zero, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, cancellationToken);
        try
        {
            await _events.Reader.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // nothing new, but something is due
        }
    }

    private void Handle(ProxyEvent what)
    {
        _reports?.Handle(what, _index);
        switch (what)
        {
            case ProxyEvent.ServiceSet(var service):
                _index.Set(service);
                break;
            case ProxyEvent.ServiceGone(var key):
                _index.RemoveService(key);
                break;
            case ProxyEvent.SliceSet(var slice):
                _index.Set(slice);
                break;
            case ProxyEvent.SliceGone(var key):
                _index.RemoveSlice(key);
                break;
            case ProxyEvent.NodeSet(var node):
                _index.Context = _index.Context with { Zone = node.Labels.GetValueOrDefault(ForwardingContext.ZoneLabel, ""), NodeAddresses = node.InternalIPs };
                See(node);
                break;
            case ProxyEvent.ServiceCidrsSet(var cidrs) when _kernel.Settings.ServiceCidrs is not { } known || !cidrs.SequenceEqual(known):
                _kernel.Settings = _kernel.Settings with { ServiceCidrs = cidrs };
                _log.LogInformation("ClusterIPs are from {ServiceCidrs}", cidrs.Count > 0 ? string.Join(", ", cidrs) : "nobody knows where");
                ReconcileIn(TimeSpan.Zero);
                break;
            case ProxyEvent.Synced(var source):
                _synced |= source;
                if (source is ProxySource.Node && Node is { Settings: null })
                    See(null);
                break;
            case ProxyEvent.LinksChanged(var links) when _kernel.Set(links):
                ReconcileIn(TimeSpan.Zero);
                break;
            case ProxyEvent.KernelChanged(var change) when change.HasFlag(NftForeignChange.Structure):
                if (_isProgrammed)
                    _log.LogWarning("somebody else changed our nftables table; putting it back");
                ReconcileIn(TimeSpan.Zero);
                break;
            case ProxyEvent.KernelChanged:
                ReconcileIn(_repairDelay);
                break;
            case ProxyEvent.ComparisonDue:
                ReconcileIn(TimeSpan.Zero);
                break;
        }
    }

    private void See(NodeFacts? node)
    {
        if (Node?.See(node) is true)
        {
            var settings = Node.Settings!;
            _kernel.Settings = settings.In(_kernel.Settings);
            _index.Context = _index.Context with { DetectsPodsIPv4 = settings.Pods.Detects(IpFamily.IPv4), DetectsPodsIPv6 = settings.Pods.Detects(IpFamily.IPv6) };
            _log.Log(settings.NodePorts.IsNowhere ? LogLevel.Warning : LogLevel.Information, "node ports answer at {Addresses}; pods are told by {Sources}", settings.NodePorts, settings.Pods);
            ReconcileIn(TimeSpan.Zero);
        }
        else if (Node is { Settings: null })
        {
            _readiness.Await("forwarding", "the Node has no podCIDRs yet");
        }
    }

    private void ReconcileIn(TimeSpan delay) => _reconcileAt = Math.Min(_reconcileAt, After(_time.GetTimestamp(), delay));

    private long After(long timestamp, TimeSpan time) => timestamp + (long)(time.TotalSeconds * _time.TimestampFrequency);

    private void Program(Action work)
    {
        try
        {
            work();
            _isProgrammed = true;
            _backOff.Reset();
            _readiness.Reached("forwarding");
            _reports?.Programmed(_index);
        }
        catch (NetlinkException refusal)
        {
            // Nothing of the transaction happened. What the kernel has instead is read back before anything else is sent.
            _isProgrammed = false;
            _reconcileAt = long.MaxValue;
            var pause = _backOff.Next();
            ReconcileIn(pause);
            _readiness.Await("forwarding", refusal.Message);
            _log.LogWarning("{Refusal}; again in {PauseMs} ms", refusal.Message, (long)pause.TotalMilliseconds);
        }
    }

    private void Reconcile()
    {
        _reconcileAt = long.MaxValue;
        TakeChanges();
        var messages = _kernel.Reconcile([.. _index.Plans]);
        _pace.Ran();
        _log.LogInformation("compared the whole table with the kernel's: {Messages} messages sent", messages);
    }

    private void ApplyChanges()
    {
        var changes = TakeChanges();
        if (changes.Count == 0)
            return;
        var elements = _kernel.Apply(changes);
        _pace.Ran();
        if (_log.IsEnabled(LogLevel.Debug))
            _log.LogDebug("programmed {Ports} service ports by {Elements} elements: {First}", changes.Count, elements, changes[0].Key);
    }

    private List<ServicePortChange> TakeChanges()
    {
        var changes = _index.TakeChanges();
        _reports?.Plan(changes);
        foreach (var (service, errors) in _index.TakeErrors())
        {
            var message = $"{string.Join("; ", errors)}; the Service is forwarded as without it";
            _log.LogWarning("{Service}: {Message}", service.Key, message);
            WarnAbout?.Invoke(service, message);
        }

        return changes;
    }
}
