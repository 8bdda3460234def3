using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;
using Portolan.Speaker.Liveness;

namespace Portolan.Rig;

/// <summary>The published bfd process in a network namespace. This program is the speaker that it holds sessions for, and knows of a change when that would.</summary>
internal sealed class BfdNode : IBfdSide
{
    private readonly BfdDaemon _daemon;
    private readonly ConcurrentQueue<BfdChange> _changes = [];
    private readonly CancellationTokenSource _end = new();
    private readonly BfdClient _client;
    private readonly Task _running;

    public BfdNode(NetworkNamespace where)
    {
        _daemon = new BfdDaemon(where);
        _client = new BfdClient(_daemon.Socket, BfdSettings.Every(100, 3), _ => { }, On, NullLogger.Instance);
        _running = _client.RunAsync(() => { }, () => { }, _end.Token);
    }

    /// <inheritdoc/>
    public int Id => _daemon.Id;

    /// <inheritdoc/>
    public IReadOnlyList<BfdChange> Changes => [.. _changes];

    /// <summary>How late its thread was woken, as last told.</summary>
    public LoopFigures Figures => _client.Figures;

    /// <summary>Holds sessions over one hop, and no others.</summary>
    /// <param name="sessions">Our address and the other side's.</param>
    /// <param name="settings">Of all of them.</param>
    public void Hold(IEnumerable<(string Local, string Peer)> sessions, BfdSettings settings) =>
        _client.SetNeighbors(sessions.ToDictionary(session => Name(session.Local, session.Peer), _ => new NeighborSettings(settings)));

    /// <summary>Waits until the process is there.</summary>
    /// <exception cref="InvalidOperationException">It was refused real-time scheduling: its intervals are not those that are asked for.</exception>
    public async Task ReadyAsync()
    {
        await LabCluster.UntilAsync(() => Task.FromResult(_client.Process is not null), "the bfd process is there");
        if (_client.Process is not { SchedulingError: 0 })
            throw new InvalidOperationException("the bfd process is refused real-time scheduling: there is nothing to measure");
    }

    public void Dispose()
    {
        _end.Cancel();
        _running.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        _end.Dispose();
        _daemon.Dispose();
    }

    /// <summary>The name of a session over one hop.</summary>
    public static SessionName Name(string local, string peer) => new(IpAddress.Parse(local), IpAddress.Parse(peer));

    private void On(BfdTransition<SessionName> transition)
    {
        if ((transition.From is BfdState.Up) != (transition.State is BfdState.Up))
            _changes.Enqueue(new BfdChange(DateTime.UtcNow, transition.Peer.Peer.ToString(), transition.State is BfdState.Up));
    }
}

/// <summary>The published bfd process by itself, waiting for a speaker.</summary>
internal sealed class BfdDaemon : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bfd-").FullName;
    private readonly Process _process;

    public BfdDaemon(NetworkNamespace where) =>
        _process = Process.Start(where.Command("/bin/sh", "-c", $"exec \"$0\" bfd --socket={Socket} >>{_folder}/log 2>&1", Published.Binary("portolan")))!;

    public int Id => _process.Id;

    /// <summary>Where the speaker comes to.</summary>
    public string Socket => Path.Combine(_folder, "bfd.sock");

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
