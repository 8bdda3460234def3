using CsCheck;
using Portolan.Kubernetes.Leases;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Leases;

/// <summary>
/// Candidates, one server and a network in virtual time. Requests, answers and watch events are late by anything up to many lease
/// durations or are lost; answers come after requests were given up; processes stand still and come back; clocks start anywhere and run
/// up to a tenth too fast or too slow.
/// </summary>
public sealed class LeaseElectionProperties
{
    [Fact]
    public void NeverTwoLeadAtOnce_WhateverIsLateOrLost()
    {
        var terms = 0;
        Gen.Int.Sample(seed => Interlocked.Add(ref terms, new World(seed, calmFrom: double.MaxValue).Run(120)), iter: 3000);
        Assert.True(terms > 3000, $"only {terms} terms: the worlds were too rough to say anything");
    }

    [Fact]
    public void SomebodyLeads_SoonAfterTheNetworkCalmsDown() => Gen.Int.Sample(
        seed =>
        {
            var world = new World(seed, calmFrom: 60);
            world.Run(60 + 20 + 10);
            Assert.True(world.SomebodyLeads, "nobody leads 10 s after the last late message");
        },
        iter: 1000);

    private sealed class World
    {
        private readonly PriorityQueue<Action, double> _events = new();
        private readonly Random _random;
        private readonly double _calmFrom;
        private readonly double _worst;
        private readonly Candidate[] _candidates;
        private Lease? _lease;
        private int _version;
        private double _now;

        public World(int seed, double calmFrom)
        {
            _random = new Random(seed);
            _calmFrom = calmFrom;
            _worst = _random.Next(3) switch { 0 => 0.05, 1 => 2, _ => 20 };
            _candidates = [.. Enumerable.Range(0, 3).Select(i => new Candidate(this, "c" + i, 0.9 + (0.2 * _random.NextDouble()), 1000 * _random.NextDouble()))];
            foreach (var candidate in _candidates)
                At(_random.NextDouble() * 3, candidate.Wake);
        }

        public bool SomebodyLeads => _candidates.Any(candidate => candidate.MayWrite);

        private bool IsCalm => _now >= _calmFrom;

        /// <returns>How often somebody began to lead.</returns>
        public int Run(double until)
        {
            while (_events.TryDequeue(out var action, out var at) && at <= until)
            {
                _now = at;
                action();
                var leaders = _candidates.Where(candidate => candidate.MayWrite).ToList();
                if (leaders.Count > 1)
                    Assert.Fail($"at {_now:0.000} s both {leaders[0].Name} and {leaders[^1].Name} lead");
            }

            return _candidates.Sum(candidate => candidate.Terms);
        }

        private void At(double delay, Action action) => _events.Enqueue(action, _now + Math.Max(delay, 1e-6));

        private double Delay() => IsCalm ? 0.01 : _random.Next(4) == 0 ? _random.NextDouble() * _worst : _random.NextDouble() * 0.05;

        private bool IsLost() => !IsCalm && _random.Next(12) == 0;

        // Null: refused for its version.
        private Lease? Put(Lease lease)
        {
            if (lease.Metadata.ResourceVersion != _lease?.Metadata.ResourceVersion)
                return null;
            _lease = LeaseElectionTests.Lease(lease.Spec!.HolderIdentity!, ++_version, lease.Spec.LeaseDurationSeconds!.Value, lease.Spec.LeaseTransitions!.Value);
            foreach (var candidate in _candidates)
                candidate.Send(_lease);
            return _lease;
        }

        private sealed class Candidate(World world, string name, double rate, double offset)
        {
            private readonly LeaseElection _election = new(name, LeaseTiming.Default);
            private bool _released;
            private bool _leads;
            private int _request;
            private int _wake;
            private double _lastEvent;

            public string Name => name;

            public int Terms { get; private set; }

            /// <summary>A write could leave now.</summary>
            public bool MayWrite => !_released && _election.LeadsUntil is { } until && Local < until;

            private TimeSpan Local => TimeSpan.FromSeconds(offset + (world._now * rate));

            /// <summary>The watch: in order, but however late; and what comes to a leader, or never comes, is not heard.</summary>
            public void Send(Lease lease)
            {
                if (world.IsLost())
                    return;
                _lastEvent = Math.Max(_lastEvent, world._now + world.Delay());
                world.At(_lastEvent - world._now, () =>
                {
                    if (_request != 0 || _election.IsLeading)
                        return;
                    _election.Observe(lease, Local);
                    Wake();
                });
            }

            public void Wake()
            {
                if (_request != 0)
                    return;
                if (_election.IsLeading && !_released && !world.IsCalm && world._random.Next(40) == 0)
                {
                    Release();
                    return;
                }

                var step = _election.Next(Local);
                _leads &= _election.IsLeading;
                if (step.Act is LeaseAct.Wait)
                {
                    // The process may stand still for longer than it wanted to.
                    var mine = ++_wake;
                    world.At(Global(step.Until) + (world.IsLost() ? world.Delay() : 0), () =>
                    {
                        if (mine == _wake)
                            Wake();
                    });
                    return;
                }

                var sentAt = Local;
                var ours = step.Act is LeaseAct.Read ? null : _election.Ours("lab", "election", default);
                Ask(step.Until, () => step.Act is LeaseAct.Read ? world._lease : world.Put(ours!), answer =>
                {
                    if (step.Act is LeaseAct.Read)
                        _election.Observe(answer, Local);
                    else if (answer is null)
                        _election.Conflicted(Local);
                    else
                        _election.Written(answer, sentAt);
                });
            }

            private void Release()
            {
                _released = true;
                var given = _election.Ours("lab", "election", default);
                given.Spec!.HolderIdentity = "";
                given.Spec.LeaseDurationSeconds = 1;
                Ask(Local + TimeSpan.FromSeconds(1), () => world.Put(given), answer => _election.Released(answer, Local), () => _election.Released(null, Local), () => _released = false);
            }

            private void Ask(TimeSpan patience, Func<Lease?> execute, Action<Lease?> answered, Action? failed = null, Action? always = null)
            {
                var mine = _request = ++_wake;
                void Done(Action outcome)
                {
                    if (_request != mine)
                        return;
                    outcome();
                    always?.Invoke();
                    _request = 0;
                    if (_election.IsLeading && !_leads)
                        Terms++;
                    _leads = _election.IsLeading;
                    Wake();
                }

                world.At(Global(patience), () => Done(failed ?? (() => _election.Failed(Local))));
                if (world.IsLost())
                    return;
                world.At(world.Delay(), () =>
                {
                    var answer = execute();
                    if (!world.IsLost())
                        world.At(world.Delay(), () => Done(() => answered(answer)));
                });
            }

            private double Global(TimeSpan local) => Math.Min((local - Local).TotalSeconds / rate, 1000);
        }
    }
}
