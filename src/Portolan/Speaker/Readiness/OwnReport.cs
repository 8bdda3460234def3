using System.Collections.Concurrent;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Proxy.Programmed;
using Portolan.Speaker.Layer2;

namespace Portolan.Speaker.Readiness;

/// <summary>
/// What this speaker finds out of its own node, in one <see cref="NodeReport"/>. One thread, the speaker's loop, calls it; what other threads notice
/// waits until that calls <see cref="Advance"/>. Times are microseconds.
/// </summary>
internal sealed class OwnReport
{
    private IReadOnlySet<IpAddress> _yielded = NodeReport.Well.Yielded;
    private readonly SpeakerState _state;
    private readonly string _self;
    private readonly Func<ObjectKey, ProgrammedService?> _programmed;
    private readonly Carrier _carrier;
    private readonly ProxyHealth _proxy;
    private readonly ProgrammingDelay _delay = new();
    private readonly HoldDown _holdDown = new();
    private readonly HashSet<ObjectKey> _mute = [];
    private readonly ConcurrentQueue<Action<long>> _news = new();
    private readonly HashSet<ObjectKey> _unread = [];
    private AnnouncementContext? _seen;
    private bool _isListKnown;
    private bool _isReady;
    private bool _isStopping;
    private bool? _isCutOff;
    private bool _isGatewayUnreachable;

    /// <param name="state">What the speaker knows.</param>
    /// <param name="self">This node.</param>
    /// <param name="selection">Which interfaces qualify for announcements.</param>
    /// <param name="programmed">What the proxy says of a Service, once <see cref="On(ProxyConnection)"/> said that it told all.</param>
    /// <param name="now">The present.</param>
    /// <param name="wallClock">The present in milliseconds since 1970, for <see cref="NodeReport.Standing"/>.</param>
    public OwnReport(SpeakerState state, string self, InterfaceSelection selection, Func<ObjectKey, ProgrammedService?> programmed, long now, long wallClock)
    {
        (_state, _self, _programmed) = (state, self, programmed);
        _carrier = new Carrier(selection);
        _proxy = new ProxyHealth(now);
        Report = Make(now).After(null, wallClock);
    }

    /// <summary>What other speakers should be told.</summary>
    public NodeReport Report { get; private set; }

    /// <summary>Addresses that by policy nobody is to announce, for somebody else has them.</summary>
    public void SetYielded(IReadOnlySet<IpAddress> yielded) => _yielded = yielded;

    /// <summary>Who tells about the service proxy.</summary>
    public ProxySource ProxySource => _proxy.Source;

    /// <summary>Whether a proxy tells which Services it has programmed: one that told all of them, and is there, or has been gone for so short that it may be restarting.</summary>
    public bool IsTold(long now) => _isListKnown && (_proxy.Source is ProxySource.Socket || !_proxy.IsNotProgramming(now));

    /// <summary>Whether this node could announce anything: only then its gateway matters.</summary>
    public bool IsCandidate { get; private set; }

    /// <summary>The Services that are not programmed although they should be.</summary>
    public IReadOnlySet<ObjectKey> Late => _delay.Late;

    /// <summary>The Services whose named interfaces have no carrier.</summary>
    public IReadOnlySet<ObjectKey> Mute => _mute;

    /// <summary>Takes the interfaces as they are now.</summary>
    public void SetLinks(LinkSnapshot links)
    {
        if (_carrier.SetLinks(links))
            _seen = null;
    }

    /// <summary>The plans of these Services changed, or what is programmed for them.</summary>
    public void Changed(IEnumerable<ObjectKey> services) => _unread.UnionWith(services);

    /// <summary>This speaker announces by its plans now, or does not any more.</summary>
    public void SetReady(bool isReady, long now)
    {
        if (_isReady == isReady)
            return;
        _isReady = isReady;
        if (isReady)
            _holdDown.Came(now);
        else
            _holdDown.Left();
    }

    /// <summary>So many other speakers are heard, of those that there are.</summary>
    public void Hear(int living, int peers, long now)
    {
        // Whoever hears nobody may be the one that nobody hears; he came back when he hears one again. He who never heard anyone went nowhere.
        var isCutOff = peers > 0 && living == 0;
        if (isCutOff && _isCutOff is false)
        {
            _isCutOff = true;
            _holdDown.Left();
        }
        else if (living > 0)
        {
            if (_isCutOff is true && _isReady)
                _holdDown.Came(now);
            _isCutOff = false;
        }
    }

    /// <summary>The policies in force; those of the plans' context replace them whenever that is another.</summary>
    internal void SetPolicies(IReadOnlyList<AnnouncementPolicy> policies) => _holdDown.SetPolicies(policies);

    /// <summary>Other speakers saw this node go so often within the last hour, as the one that counted most of them says.</summary>
    public void SetDisappearances(int count) => _holdDown.SetDisappearances(count);

    /// <summary>This speaker is about to stop.</summary>
    public void Stop() => _isStopping = true;

    /// <summary>The proxy's socket is in this state. Any thread; then wake the loop.</summary>
    public void On(ProxyConnection connection) => _news.Enqueue(now =>
    {
        _proxy.On(connection, now);
        if (connection is ProxyConnection.Synced && !_isListKnown)
            (_isListKnown, _seen) = (true, null);
    });

    /// <summary>The proxy's health check says so. Any thread; then wake the loop.</summary>
    public void OnHealthz(bool? isWell) => _news.Enqueue(now =>
    {
        _proxy.OnHealthz(isWell, now);
        // Another proxy is there now: what the one of the socket once told is of the past.
        if (_proxy.Source is ProxySource.Healthz && _isListKnown)
            (_isListKnown, _seen) = (false, null);
    });

    /// <summary>The default gateways answer, or none that should. Any thread; then wake the loop.</summary>
    public void OnGateway(bool isUnreachable) => _news.Enqueue(_ => _isGatewayUnreachable = isUnreachable);

    /// <summary>When <see cref="Advance"/> has something to do by time alone, or null.</summary>
    public long? Deadline(long now)
    {
        var next = Math.Min(_proxy.Deadline(now) ?? long.MaxValue, Math.Min(_holdDown.Deadline(now) ?? long.MaxValue, _delay.Deadline ?? long.MaxValue));
        return next == long.MaxValue ? null : next;
    }

    /// <summary>Takes what was noticed, and lets time pass.</summary>
    /// <param name="now">The present.</param>
    /// <param name="wallClock">The present in milliseconds since 1970.</param>
    /// <returns>Whether <see cref="Report"/> is another.</returns>
    public bool Advance(long now, long wallClock)
    {
        while (_news.TryDequeue(out var news))
            news(now);
        Look(now);
        _delay.Advance(now);
        var report = Make(now).After(Report, wallClock);
        if (report.Equals(Report))
            return false;
        Report = report;
        return true;
    }

    // Of all Services when something changed that all depend on, else of those whose plan or rules changed.
    private void Look(long now)
    {
        var context = _state.Context;
        if (!ReferenceEquals(context, _seen))
        {
            _seen = context;
            SetPolicies(context.Policies);
            _unread.UnionWith(_state.Plans.Keys);
            IsCandidate = _state.Plans.Values.Any(IsMine);
        }

        if (_unread.Count == 0)
            return;
        var self = context.Nodes.FirstOrDefault(node => node.Name == _self);
        foreach (var key in _unread)
        {
            if (self is null || !_state.Plans.TryGetValue(key, out var plan) || !IsMine(plan) || _state.Find(key) is not { } service)
            {
                _mute.Remove(key);
                _delay.Set(key, isServed: true, now);
                continue;
            }

            IsCandidate = true;
            _delay.Set(key, !_isListKnown || ProgrammingDelay.IsServed(service, _programmed(key)), now);
            if (_carrier.IsMute(service, self, context))
                _mute.Add(key);
            else
                _mute.Remove(key);
        }

        _unread.Clear();
    }

    // Whether this node is the one, or may be the next.
    private bool IsMine(AnnouncementPlan plan) => plan.On(_self) is WithdrawalReason.None or WithdrawalReason.NotOwner;

    private NodeReport Make(long now)
    {
        // What the node's object says everyone reads there; it is said again for its time to be known: NodeReport.Standing.
        var conditions = _state.OfObject(_self);
        if (_carrier.IsLost || _mute.Count > NodeReport.MostUnprogrammed)
            conditions |= NodeConditions.NoCarrier;
        if (_isGatewayUnreachable && IsCandidate)
            conditions |= NodeConditions.GatewayUnreachable;
        if (_proxy.IsNotProgramming(now) || _delay.Late.Count > NodeReport.MostUnprogrammed)
            conditions |= NodeConditions.NotProgrammed;
        if (_isStopping)
            conditions |= NodeConditions.Draining;
        if (!_isReady)
            conditions |= NodeConditions.Starting;

        // Named one by one while they are few; a condition of the whole node stands for many.
        var unserved = new HashSet<ulong>();
        if (_delay.Late.Count <= NodeReport.MostUnprogrammed)
            unserved.UnionWith(_delay.Late.Select(ServiceDigest.Of));
        if (_mute.Count <= NodeReport.MostUnprogrammed)
            unserved.UnionWith(_mute.Select(ServiceDigest.Of));
        if (unserved.Count > NodeReport.MostUnprogrammed)
        {
            conditions |= NodeConditions.NotProgrammed;
            unserved.Clear();
        }

        return new NodeReport { Conditions = conditions, Unprogrammed = unserved, HeldBack = _holdDown.HeldBack(now), Yielded = _yielded };
    }
}
