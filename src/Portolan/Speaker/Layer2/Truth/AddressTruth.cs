using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>Records an event on a Service.</summary>
internal delegate void RecordEvent(ObjectKey service, bool isWarning, string reason, string message);

/// <summary>
/// All that keeps announcements true, put together for the speaker's loop: which addresses are new and have to be probed, what is overheard, what the
/// speakers ask of each other's addresses, and whom it is told: events, the condition on the Service, metrics and the other speakers. One caller at a
/// time; times are microseconds.
/// </summary>
internal sealed class AddressTruth
{
    private const long RemindEvery = 10_000_000;

    private readonly string _self;
    private readonly Layer2Announcer _announcer;
    private readonly WireClaims _claims;
    private readonly WireTruth _truth;
    private readonly AddressQueries _queries;
    private readonly WireReports _reports = new();
    private readonly AssignedAddresses _assigned = new();
    private readonly ConflictConditions _conditions;
    private readonly RecordEvent _record;
    private readonly ILogger _log;
    private readonly Dictionary<ObjectKey, AnnouncementPlan> _asked = [];
    private readonly Dictionary<ObjectKey, long> _marked = [];
    private readonly HashSet<(IpAddress, bool)> _toldFindings = [];
    private volatile IReadOnlyList<IpAddress> _contested = [];
    private volatile IReadOnlyList<QueryFinding> _findings = [];
    private long _nextReminder;

    /// <param name="self">This node.</param>
    /// <param name="announcer">Puts it on the wire.</param>
    /// <param name="claims">What the announcer's responders overhear.</param>
    /// <param name="conditions">Writes conditions.</param>
    /// <param name="record">Records events.</param>
    /// <param name="meter">The role's instruments.</param>
    /// <param name="log">Told of everything.</param>
    public AddressTruth(string self, Layer2Announcer announcer, WireClaims claims, ConflictConditions conditions, RecordEvent record, Meter meter, ILogger log)
    {
        (_self, _announcer, _claims, _conditions, _record, _log) = (self, announcer, claims, conditions, record, log);
        _truth = new WireTruth(announcer, claims, mac => _reports.NodeOf(mac) is not null, Tell);
        _queries = new AddressQueries(self, address => announcer.Ask(address, _now), claims);
        meter.CreateObservableCounter("portolan_layer2_conflicts_total", () => _truth.Conflicts, description: "Claims of strangers to addresses that this node announces.");
        meter.CreateObservableCounter("portolan_layer2_defences_total", () => _truth.Defences, description: "Announcements sent against such claims, at most one per address in ten seconds.");
        meter.CreateObservableCounter("portolan_layer2_probes_sent_total", () => _truth.ProbesSent, description: "Probes sent for addresses assigned for the first time.");
        meter.CreateObservableCounter("portolan_layer2_queries_sent_total", () => _queries.Sent, description: "Questions sent, as a client would, for addresses that other nodes announce.");
        meter.CreateObservableGauge(
            "portolan_layer2_contested",
            () => _contested.Select(address => new Measurement<int>(1, new KeyValuePair<string, object?>("ip", address.ToString()))),
            description: "1 for each address announced here that somebody else claims.");
        meter.CreateObservableGauge(
            "portolan_layer2_unexpected_answers",
            () => _findings.Select(finding => new Measurement<int>(finding.Answers.Count, new KeyValuePair<string, object?>("ip", finding.Address.ToString()))),
            description: "How many stations answered for another node's address, where it was not one: 0 for silence.");
    }

    private long _now;

    /// <summary>Addresses that nobody is to announce, because somebody else has them: for this node's report. A new set whenever it is another.</summary>
    public IReadOnlySet<IpAddress> Yielded => _truth.Yielded;

    /// <summary>What the other speakers are to be told (<see cref="Protocols.Peers.PeerItemType.QueryResults"/>, part 0). A new one whenever it is another.</summary>
    public byte[] Report { get; private set; } = [];

    /// <summary>When <see cref="Advance"/> has something to do, or null.</summary>
    public long? Deadline
    {
        get
        {
            var next = Math.Min(_truth.Deadline ?? long.MaxValue, _queries.Deadline ?? long.MaxValue);
            if (_marked.Count > 0 || _reports.Others.Any())
                next = Math.Min(next, _nextReminder);
            return next == long.MaxValue ? null : next;
        }
    }

    /// <summary>A Service has changed, or, when null, is gone: to be said before its plan is.</summary>
    /// <param name="key">The Service.</param>
    /// <param name="service">The Service, or null.</param>
    /// <param name="isNews">False while the first list comes in.</param>
    /// <param name="now">The present.</param>
    public void On(ObjectKey key, Service? service, bool isNews, long now)
    {
        var addresses = new List<IpAddress>(2);
        foreach (var ingress in service?.Status?.LoadBalancer?.Ingress ?? [])
            if (IpAddress.TryParse(ingress.IP, null, out var address))
                addresses.Add(address);
        _assigned.Set(key, addresses, isNews);
        if (service is not null && ConflictConditions.IsTrue(service))
            _marked.TryAdd(key, now);
        else
            _marked.Remove(key);
    }

    /// <summary>The nodes whose speakers live.</summary>
    public void SetLiving(IEnumerable<string> living) => _queries.SetLiving(living);

    /// <summary>What another speaker says of the wire; empty: nothing any more.</summary>
    public void On(string node, ReadOnlySpan<byte> report, long now)
    {
        _reports.On(node, report);
        _nextReminder = now;
    }

    /// <summary>A Service's plan is another: to be said before the announcer is told.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="plan">Its plan, or null when it is gone.</param>
    /// <param name="now">The present.</param>
    public void Set(ObjectKey service, AnnouncementPlan? plan, long now)
    {
        _now = now;
        var winner = plan?.Reason is WithdrawalReason.None ? plan.Election.Winner : null;
        var isMine = plan?.On(_self) is WithdrawalReason.None;
        IpAddress[] first = winner is null ? [] : [.. plan!.Addresses.Where(_assigned.Announced)];
        IEnumerable<IpAddress> guarded = isMine ? plan!.Addresses : [];
        // What this node yielded it watches on, until it is free or no longer the Service's.
        if (_truth.HasYielded(service))
            guarded = guarded.Union(_assigned.Of(service).Where(_truth.Yielded.Contains));
        _truth.Set(service, [.. guarded], plan?.Policy.OnConflict ?? ConflictPolicy.Defend, winner == _self ? first : [], now);

        if (_asked.Remove(service, out var before))
            foreach (var address in before.Addresses)
                _queries.Set(address, null, now);
        if (winner is null || isMine)
            return;
        _asked[service] = plan!;
        foreach (var address in plan!.Addresses)
            _queries.Set(address, winner, now);
    }

    /// <summary>Lets time pass; to be called after every batch of changes, and at the deadline.</summary>
    /// <returns>Whether <see cref="Yielded"/> or <see cref="Report"/> is another now.</returns>
    public bool Advance(long now)
    {
        _now = now;
        var heard = _claims.Take();
        foreach (var claim in heard)
            if (!_announcer.IsOwn(claim.Mac))
                _queries.Heard(claim);
        var changed = _truth.Advance(heard, now);
        if (_queries.Advance(now))
        {
            _findings = [.. _queries.Findings];
            TellFindings();
        }

        if (now >= _nextReminder)
            Remind(now);
        _contested = [.. _truth.Contested];
        var report = WireReports.Write(_announcer.Macs, _findings.Where(finding => finding.IsSilence || finding.Answers.Any(mac => _reports.NodeOf(mac) is null)));
        if (report.AsSpan().SequenceEqual(Report))
            return changed;
        Report = report;
        return true;
    }

    // A finding that stays, a condition that a former announcer left: both are looked at again and again, for nobody says them anew.
    private void Remind(long now)
    {
        _nextReminder = now + RemindEvery;
        foreach (var (node, finding) in _reports.Others)
            if (!finding.IsSilence)
                foreach (var mac in finding.Answers)
                    _claims.Heard(finding.Address, mac, $"node {node}", isProbe: false);
        foreach (var (service, since) in _marked.ToList())
        {
            if (now - since < AddressDefence.Quiet || !_truth.IsQuiet(service))
                continue;
            _marked[service] = now;
            _conditions.Want(service, isTrue: false, "NoConflict", "nobody else claims the addresses of the Service");
        }
    }

    private void Tell(ObjectKey service, TruthNews news, WireClaim claim)
    {
        switch (news)
        {
            case TruthNews.Conflict:
                var message = $"{claim.Mac} claims {claim.Address}, heard on {claim.Where}; node \"{_self}\" announces it as well";
                _record(service, true, "addressConflict", message);
                _conditions.Want(service, isTrue: true, "AddressClaimed", message);
                break;
            case TruthNews.Yielded:
                message = $"{claim.Mac} claims {claim.Address}, heard on {claim.Where}; nobody announces it until it is free";
                _record(service, true, "addressYielded", message);
                _conditions.Want(service, isTrue: true, "AddressYielded", message);
                break;
            default:
                _log.LogInformation("{Event}: {Service}: nobody else claims {Address} any more", "addressConflictEnded", service, claim.Address);
                _conditions.Want(service, isTrue: false, "NoConflict", $"nobody else claims {claim.Address} any more");
                break;
        }
    }

    // Silence concerns whoever reads the Service's events; a second answer is the announcer's to judge, who knows its own.
    private void TellFindings()
    {
        _toldFindings.RemoveWhere(told => !_findings.Any(finding => finding.Address == told.Item1 && finding.IsSilence == told.Item2));
        foreach (var finding in _findings)
        {
            if (!_toldFindings.Add((finding.Address, finding.IsSilence)))
                continue;
            _log.LogWarning("{Address} is answered for by {Answers}", finding.Address, finding.IsSilence ? "nobody" : string.Join(", ", finding.Answers));
            if (!finding.IsSilence)
                continue;
            foreach (var (service, plan) in _asked)
                if (plan.Addresses.Contains(finding.Address))
                    _record(service, true, "addressUnanswered", $"node \"{_self}\" asked for {finding.Address} three times, and nobody answered; node \"{plan.Election.Winner}\" announces it");
        }
    }
}
