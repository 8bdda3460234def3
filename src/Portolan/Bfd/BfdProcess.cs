using System.ComponentModel;
using Microsoft.Extensions.Logging;
using Portolan.Bfd.Frames;
using Portolan.Linux.Scheduling;
using Portolan.Linux.Sockets;

namespace Portolan.Bfd;

/// <summary>
/// Holds the sessions that the speaker asks for on one thread, scheduled in real time where that is granted, in a process that allocates nothing
/// meanwhile, so that no garbage collection stops the thread.
/// </summary>
/// <param name="path">The unix socket that the speaker comes to.</param>
/// <param name="log">Told of what should not happen, and never waited for.</param>
internal sealed class BfdProcess(string path, ILogger log) : IDisposable
{
    /// <summary>The shortest interval that is agreed to without real-time scheduling: what the busiest machine was seen to keep, three times over.</summary>
    public const uint OrdinaryFloor = 100_000;

    // Below the interrupt threads of a PREEMPT_RT kernel (50), above all that is not real time.
    private const int Priority = 40;
    private const long FiguresEvery = 5_000_000;
    // The socket takes some hundred frames that are not read: a speaker that is starved for a minute must not be taken for dead by the figures alone.
    private const int MostReports = 16;
    private const long StopPatience = 30_000_000;

    private readonly DeadlineWait _wait = new();
    private volatile bool _stopping;

    /// <summary>Holds sessions on a thread of their own until the stop, and then until the speaker has gone: its last words are said through them.</summary>
    /// <exception cref="IOException">The socket's path is taken, or cannot be written.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                Hold();
                done.SetResult();
            }
            catch (Exception failure)
            {
                // Not handled here: whoever awaits the process sees it.
                done.SetException(failure);
            }
        })
        { Name = "bfd" };
        thread.Start();
        await using (stop.Register(Stop))
            await done.Task;
    }

    public void Dispose() => _wait.Dispose();

    /// <summary>Ends <see cref="Hold(bool)"/> once the speaker has gone, or has been waited for in vain.</summary>
    public void Stop()
    {
        _stopping = true;
        _wait.Wake();
    }

    /// <summary>Holds sessions on the calling thread, in its network namespace.</summary>
    /// <param name="realTime">Whether to ask for real-time scheduling.</param>
    public void Hold(bool realTime = true)
    {
        var refusal = realTime ? RealTimeThread.TryEnter(Priority) : 1;
        var floor = refusal == 0 ? 0 : OrdinaryFloor;
        if (refusal == 0)
            log.LogInformation("scheduled in real time");
        else
            log.LogWarning(
                "real-time scheduling is refused ({Error}: CAP_SYS_NICE is missing, or the cpu cgroup has no real-time budget): intervals below {Milliseconds} ms are not agreed to",
                new Win32Exception(refusal).Message, floor / 1000);
        using var door = new SpeakerDoor(path, _wait, new Hello(Hello.Current, refusal, floor), log);
        using var loop = new SessionLoop(_wait, door.Tell, door.Tell, log) { Floor = floor, OutlivesSpeaker = true };
        Serve(door, loop);
    }

    private void Serve(SpeakerDoor door, SessionLoop loop)
    {
        long? leaveAt = null;
        Action<SessionFigures> tell = door.Tell;
        for (var figuresAt = DeadlineWait.Now; ;)
        {
            door.Serve(loop);
            var now = DeadlineWait.Now;
            if (_stopping && (!door.HasSpeaker || now >= (leaveAt ??= now + StopPatience)))
                break;
            if (now >= figuresAt)
            {
                door.Tell(loop.Figures);
                loop.Report(MostReports, tell);
                figuresAt = now + FiguresEvery;
            }

            loop.Turn(Math.Min(figuresAt, leaveAt ?? long.MaxValue));
        }

        if (door.HasSpeaker)
            loop.SayFarewell();
    }
}
